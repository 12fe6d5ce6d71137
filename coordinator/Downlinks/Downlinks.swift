import Logging
import Model
import Outside
import Store
import Wire

/// All nodes that are connected now, the specs they should obey and what they last said.
///
/// One of the two places that may catch an error and go on: what one node does must not end the
/// line to another.
public actor Downlinks {
    /// Issues a node's next certificate from its request.
    public typealias Renew =
        @Sendable (NodeName, CertificateRequest) async throws -> CertificateChain

    private let driving: Driving
    let version: String
    private let store: Store
    private let clock: any Clocks
    private let log: Logger
    private let renew: Renew

    private var live: [NodeName: Downlink] = [:]
    /// Links that were opened with an expired certificate. They are not connected to anything.
    private var renewing: [NodeName: Downlink] = [:]
    private var specs: [NodeName: NodeSpec] = [:]
    private var reports: NodeReports
    private(set) var greetings: Greetings

    public init(
        driving: Driving, version: String, store: Store, clock: any Clocks, log: Logger,
        renew: @escaping Renew
    ) {
        self.driving = driving
        self.version = version
        self.store = store
        self.clock = clock
        self.log = log
        self.renew = renew
        reports = NodeReports(store: store)
        greetings = Greetings(driving: driving)
    }

    /// Serves one accepted link to its end.
    public func serve(_ link: any Link) async {
        do {
            try await converse(link)
        } catch is CancellationError {
            // The coordinator ends, which its log says once.
        } catch {
            log.info(
                "node link ended",
                metadata: ["peer": "\(link.peer?.uri ?? "-")", "reason": "\(error)"])
        }
        await link.close()
    }

    /// Gives a node its spec now, or when it connects.
    func assign(_ spec: NodeSpec) async {
        specs[spec.node] = spec
        do { try await live[spec.node]?.send(spec) } catch {
            log.warning("spec not sent", metadata: ["node": "\(spec.node)", "reason": "\(error)"])
        }
    }

    /// Forgets a node that leaves the cluster, and ends its link.
    func dismiss(_ node: NodeName) async {
        specs[node] = nil
        reports.forget(node)
        greetings.forget(node)
        await live.removeValue(forKey: node)?.close()
        // On such a link a machine that has left would still get a certificate.
        await renewing.removeValue(forKey: node)?.close()
    }

    func connected() -> Set<NodeName> { Set(live.keys) }

    /// Nodes that are connected and have said how they are.
    func reported() -> Set<NodeName> { connected().intersection(reports.last.keys) }

    /// Ends every link; the agents dial again.
    func closeAll() async {
        for downlink in Array(live.values) + renewing.values { await downlink.close() }
    }

    /// Ends the links of nodes that were revoked since they connected, also of one that is silent.
    /// Returns everybody who is revoked.
    func cutRevoked() async -> Set<String> {
        do {
            let denied = try Revocations(store).all()
            for (node, downlink) in live where denied.contains(node.rawValue) {
                log.info("revoked node cut off", metadata: ["node": "\(node)"])
                await downlink.close()
            }
            return denied
        } catch {
            log.warning("revocations not read", metadata: ["reason": "\(error)"])
            return []
        }
    }

    func status(of node: NodeName) -> NodeStatus? { reports.last[node] }

    /// Throws `unavailable` if the node is not connected, else what ``Downlink/ask`` throws.
    func ask(_ node: NodeName, _ request: AgentRequest, deadline: Duration) async throws
        -> Reply.Body
    {
        guard let downlink = live[node] else {
            throw Failure(
                .unavailable, "asking \(node): it is not connected",
                fix: "look at `jeeves status`, and on the node at `systemctl status jeeves-agent`")
        }
        return try await downlink.ask(request, deadline: deadline)
    }

    private func converse(_ link: any Link) async throws {
        guard let peer = link.peer, let node = AgentURI.node(peer.uri, of: driving.cluster) else {
            throw Failure(.unauthorized, "greeting a node: its certificate names no node of ours")
        }
        let downlink = Downlink(node: node, link: link, clock: clock)
        // The newest connection has just proved who it is; an older one is a leftover.
        let leftover =
            peer.expired
            ? renewing.updateValue(downlink, forKey: node)
            : live.updateValue(downlink, forKey: node)
        await leftover?.close()
        defer { leave(node, downlink) }
        try await downlink.listen { @Sendable message in
            // What was good at the handshake may have been revoked since.
            try Revocations(self.store).admit(node, serial: peer.serial, to: "listening to")
            try await self.hear(message, from: downlink, isRenewalOnly: peer.expired)
        }
    }

    private func hear(
        _ message: Message, from downlink: Downlink, isRenewalOnly: Bool
    ) async throws {
        let node = downlink.node
        switch message {
        case .hello(let hello):
            guard hello.node == node else {
                throw Failure(.unauthorized, "greeting \(node): it says it is \(hello.node)")
            }
            if !isRenewalOnly {
                try greetings.note(hello)
                if let fence = greetings.superseding[node] {
                    log.error(
                        "node obeys a later coordinator",
                        metadata: ["node": "\(node)", "epoch": "\(fence.epoch)"])
                }
            }
            try await downlink.reply(
                .welcome(
                    Welcome(
                        coordinatorVersion: version, epoch: driving.epoch, run: driving.run,
                        renewalOnly: isRenewalOnly)))
            if !isRenewalOnly, let spec = specs[node] { try await downlink.send(spec) }
            log.info("node connected", metadata: ["node": "\(node)"])
        case .renewal(let request):
            try await downlink.reply(.certificate(renew(node, request)))
        case _ where isRenewalOnly:
            throw Failure(.unauthorized, "listening to \(node): its certificate has expired")
        case .status(let status):
            guard status.node == node else {
                throw Failure(
                    .unauthorized, "listening to \(node): it sent the status of \(status.node)")
            }
            try reports.keep(status, now: clock.now())
        case .events(let batch):
            let (next, overflows) = batch.first.addingReportingOverflow(
                UInt64(batch.events.count))
            guard !batch.events.isEmpty, !overflows else {
                throw Failure(.invalid, "listening to \(node): its events are empty or misnumbered")
            }
            try store.append(
                batch.events.map { $0.reported(by: node) }, of: node, spool: batch.spool,
                first: batch.first)
            try await downlink.reply(.eventsSeen(upTo: next - 1))
        default:
            throw Failure(
                .invalid, "listening to \(node): an unexpected message came",
                fix: Failure.Fix.sameVersions)
        }
    }

    private func leave(_ node: NodeName, _ downlink: Downlink) {
        if live[node] === downlink { live[node] = nil }
        if renewing[node] === downlink { renewing[node] = nil }
    }
}

/// One driving start of a coordinator: what it commits before it sends anything.
public struct Driving: Sendable, Hashable {
    public let cluster: ClusterID
    public let epoch: UInt64
    public let run: RunID

    public init(cluster: ClusterID, epoch: UInt64, run: RunID) {
        self.cluster = cluster
        self.epoch = epoch
        self.run = run
    }
}

/// The node that an agent's SPIFFE URI names.
enum AgentURI {
    static func node(_ uri: String, of cluster: ClusterID) -> NodeName? {
        let prefix = "spiffe://\(cluster)/agent/"
        guard uri.hasPrefix(prefix) else { return nil }
        return NodeName(rawValue: String(uri.dropFirst(prefix.count)))
    }
}
