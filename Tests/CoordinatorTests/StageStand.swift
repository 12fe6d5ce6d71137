import Logging
import Model
import Outside
import Store
import Support
import Trust
import Wire

@testable import Coordinator

/// A coordinator that drives one connected controller, whose cluster is a ``FakeCluster``.
struct StageStand: Sendable {
    static let project = Project(folder: "/p")
    static let uri = "mongodb://chat:s3cret@db.example.org/rocketchat?replicaSet=rs0"

    /// What matters of the one that MicroK8s prints.
    static let kubeconfig = """
        apiVersion: v1
        clusters:
        - cluster:
            certificate-authority-data: Y2E=
            server: https://127.0.0.1:16443
        users:
        - name: admin
          user:
            client-certificate-data: Y2VydA==
            client-key-data: a2V5
        """

    let fake: FakeWorld
    let cluster: FakeCluster
    let run: StageRun

    /// Runs `body` with a stand of its own. `fake` is what an earlier one left, `kubeconfig` what
    /// the controller sends.
    static func with(
        _ fake: FakeWorld, _ cluster: FakeCluster, store: Store,
        edits: [(String, String)] = [], kubeconfig: String = StageStand.kubeconfig,
        _ body: (StageStand) async throws -> Void
    ) async throws {
        let spec = try exampleCluster(edits)
        let node = NodeName(unchecked: "controller-1")
        let driving = Driving(
            cluster: spec.cluster, epoch: 1, run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        // Questions to the agent have a clock of their own, which never ends their time.
        let downlinks = Downlinks(
            driving: driving, version: "1", store: store, clock: ManualClock(), log: log,
            renew: { _, _ in CertificateChain(pem: "") })
        try store.put(
            .meta, StageRun.infrastructureKey,
            Infrastructure(
                account: "1", roleName: "r",
                machines: [
                    node: .init(
                        role: .controller, instanceID: "i-1", privateAddress: "10.42.0.10",
                        publicAddress: "203.0.113.9")
                ]))
        let world = fake.world
        let run = StageRun(
            cluster: spec, project: project, world: world, store: store, ledger: Ledger(store),
            driving: driving, downlinks: downlinks,
            access: KubernetesAccess(
                downlinks: downlinks, cluster: spec.cluster, world: world,
                folder: "\(project.state)/kube", log: log),
            cloud: try await Cloud.connect(
                spec, environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"],
                project: project, world: FakeWorld().world, say: { _ in }),
            package: AgentPackage(url: "http://x", sha256: Hash.sha256([])),
            pin: Hash.sha256([]), options: RolloutOptions(), log: log, say: { _ in })
        let (agent, coordinator) = MemoryLink.pair(
            agent: Peer(uri: "spiffe://chat/agent/\(node)", serial: "1", expired: false),
            coordinator: nil)
        let serving = Task { await downlinks.serve(coordinator) }
        try await agent.send(
            .hello(Hello(node: node, agentVersion: "1", bootID: "b", fence: nil)))
        var heard = agent.incoming.makeAsyncIterator()
        _ = try await heard.next()
        let answering = Task { try await answer(agent, kubeconfig) }
        do {
            try await body(StageStand(fake: fake, cluster: cluster, run: run))
            await end(run, agent, [serving, Task { _ = try? await answering.value }])
        } catch {
            await end(run, agent, [serving, Task { _ = try? await answering.value }])
            throw error
        }
    }

    /// A world with what a person wrote and the package installed.
    static func prepared() throws -> (FakeWorld, FakeCluster) {
        let fake = FakeWorld()
        fake.files["/p/jeeves.yaml"] = ""
        fake.files.put(Array((uri + "\n").utf8), at: "/p/mongodb.uri", mode: 0o600)
        fake.files["\(Assets.installed)/Manifests/traefik-crds.yaml"] =
            try golden("../../../coordinator/Manifests/traefik-crds.yaml")
        return (fake, FakeCluster(fake))
    }

    /// Kills `stage` after each of its effects and lets it run again, each time in a cluster that
    /// `prepare` has changed; `verify` judges what is there then.
    static func crashes(
        _ stage: any Stage, prepare: (FakeCluster) -> Void = { _ in },
        verify: (FakeWorld, FakeCluster) throws -> Void
    ) async throws {
        try await withStore { store in
            var (fake, cluster) = try prepared()
            try await crashMatrix(
                setup: {
                    (fake, cluster) = try prepared()
                    prepare(cluster)
                    return fake
                },
                run: { _ in
                    try await with(fake, cluster, store: store) { stand in
                        _ = try await stage.run(stand.run)
                    }
                },
                verify: { try verify($0, cluster) })
        }
    }

    private static func answer(_ agent: MemoryLink, _ kubeconfig: String) async throws {
        for try await message in agent.incoming {
            guard case .request(let request) = message else { continue }
            switch request.body {
            case .kubeconfig:
                try await agent.send(
                    .reply(Reply(id: request.id, body: .secret(Secret(kubeconfig)))))
            case .figures:
                let figures = try JSON.encode(NodeFigures(process: nil, haproxy: nil))
                let text = String(decoding: figures, as: UTF8.self)
                try await agent.send(.reply(Reply(id: request.id, body: .text(text))))
            default: continue
            }
        }
    }

    private static func end(_ run: StageRun, _ agent: MemoryLink, _ tasks: [Task<Void, Never>])
        async
    {
        await run.access.close()
        await agent.close()
        for task in tasks { await task.value }
    }
}

extension FakeWorld {
    /// Commands that change a cluster; the look at its database leaves nothing behind.
    var changes: [String] {
        let verbs: Set = ["apply", "restart", "upgrade", "rollback", "uninstall"]
        return processes.commands.compactMap { command in
            guard command.input?.reveal().contains(DatabaseCheck.pod) != true,
                !command.arguments.contains("--dry-run=server")
            else { return nil }
            return command.arguments.first { verbs.contains($0) }.map { "\(command.program) \($0)" }
        }
    }
}
