import Logging
import Model
import Outside
import Tools
import Wire

/// The way to the cluster's Kubernetes API: a local port whose connections are carried through
/// tunnels that a controller's agent dials, and a kubeconfig that names it.
public actor KubernetesAccess {
    /// What an SSH tunnel used to listen on; any free port if it is taken.
    static let portWanted: UInt16 = 16443
    static let dialMax = Duration.seconds(10)
    /// How long a kubeconfig is good before the controller is asked for it again, which costs it a
    /// process.
    static let kubeconfigAge = Duration.seconds(600)

    /// A tunnel that was asked for and has not come yet.
    private struct Expectation {
        let node: NodeName
        let stream: CheckedContinuation<RawStream, any Error>
    }

    private let downlinks: Downlinks
    private let cluster: ClusterID
    private let world: World
    private let folder: String
    private let log: Logger
    /// What has gone through the tunnels.
    nonisolated let carried = ByteCount()

    private var nextTunnel: UInt64 = 1
    private var expected: [UInt64: Expectation] = [:]
    /// Those that carry something now.
    private var tunnels: [(node: NodeName, stream: RawStream)] = []
    private var listener: LocalListener?
    /// The controller through which connections go, and when it gave its kubeconfig.
    private var way: (node: NodeName, since: Duration)?
    private var carrying: Task<Void, Never>?

    init(downlinks: Downlinks, cluster: ClusterID, world: World, folder: String, log: Logger) {
        self.downlinks = downlinks
        self.cluster = cluster
        self.world = world
        self.folder = folder
        self.log = log
    }

    /// Path of a kubeconfig that works while this coordinator runs. Throws `unavailable` if the
    /// controller is not connected or its cluster is not up, `invalid` if it sent no keys.
    func kubeconfig(through node: NodeName) async throws -> String {
        let path = Self.kubeconfig(in: folder)
        if let way, way.node == node, world.clock.uptime() - way.since < Self.kubeconfigAge,
            try world.files.info(path) != nil
        {
            return path
        }
        let port = try await listen()
        let answer = try await downlinks.ask(node, .kubeconfig, deadline: .seconds(90))
        guard case .secret(let text) = answer else {
            throw Failure(
                .invalid, "asking \(node) for a kubeconfig: it answered something else",
                fix: Failure.Fix.sameVersions)
        }
        let own: String
        do { own = try Kubeconfig(text).text(port: port).reveal() } catch {
            throw Failure(error, trying: "asking \(node) for a kubeconfig")
        }
        try world.files.makeDirectory(folder, mode: 0o700, op: "kubeconfig.folder")
        if try world.files.text(path) != own {
            try world.files.replace(
                path, with: Array(own.utf8), mode: 0o600, op: "kubeconfig.replace")
        }
        way = (node, world.clock.uptime())
        return path
    }

    static func kubeconfig(in folder: String) -> String { "\(folder)/config" }

    static func kubeconfig(in project: Project) -> String {
        kubeconfig(in: "\(project.state)/kube")
    }

    /// A tunnel's far end has dialled in. Nobody else's tunnel is ever taken.
    func deliver(_ hello: TunnelHello, _ stream: RawStream, from peer: Peer) async {
        guard let waiting = expected[hello.number],
            AgentURI.node(peer.uri, of: cluster) == waiting.node
        else { return await stream.close() }
        expected[hello.number] = nil
        waiting.stream.resume(returning: stream)
    }

    /// Ends the tunnels through the nodes that `revoked` names, with what they carry.
    func cut(_ revoked: Set<String>) async {
        for tunnel in tunnels where revoked.contains(tunnel.node.rawValue) {
            log.info("tunnel of a revoked node cut off", metadata: ["node": "\(tunnel.node)"])
            await tunnel.stream.close()
        }
    }

    /// Ends every tunnel. The kubeconfig goes with them: nobody shall follow it into nothing.
    func close() async {
        carrying?.cancel()
        await listener?.close()
        if listener != nil {
            try? world.files.remove(Self.kubeconfig(in: folder), op: "kubeconfig.remove")
        }
    }

    private func listen() async throws -> UInt16 {
        if let listener { return listener.port }
        let opened: LocalListener
        do {
            opened = try await LocalListener.bind(port: Self.portWanted)
        } catch let failure as Failure where failure.code == .conflict {
            opened = try await LocalListener.bind()
        }
        listener = opened
        carrying = Task {
            await withDiscardingTaskGroup { group in
                for await local in opened.accepted {
                    group.addTask { await self.carry(local) }
                }
            }
        }
        return opened.port
    }

    private func carry(_ local: RawStream) async {
        guard let node = way?.node else { return await local.close() }
        do {
            let tunnel = try await open(through: node)
            tunnels.append((node, tunnel))
            defer { tunnels.removeAll { $0.stream === tunnel } }
            try await splice(local, tunnel, counting: carried)
        } catch {
            log.debug("tunnel ended", metadata: ["node": "\(node)", "reason": "\(error)"])
            await local.close()
        }
    }

    /// Asks the node to dial in and waits until it has.
    private func open(through node: NodeName) async throws -> RawStream {
        let number = nextTunnel
        nextTunnel += 1
        let timer = Task { [world] in
            try await world.clock.sleep(Self.dialMax, op: "tunnel.deadline")
            let failure = Failure(
                .timeout, "opening a tunnel to \(node): it did not dial",
                fix: "look on the node at `journalctl -u jeeves-agent`: does it reach "
                    + "`coordinator.addresses`?")
            self.giveUp(number, failure)
        }
        defer { timer.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            expected[number] = Expectation(node: node, stream: continuation)
            Task {
                do {
                    _ = try await downlinks.ask(
                        node, .openTunnel(number), deadline: Self.dialMax)
                } catch {
                    giveUp(number, error)
                }
            }
        }
    }

    private func giveUp(_ number: UInt64, _ error: any Error) {
        expected.removeValue(forKey: number)?.stream.resume(throwing: error)
    }
}
