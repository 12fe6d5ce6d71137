import Logging
import Model
import Store
import Support
import Testing
import Wire

@testable import Coordinator

/// The way to Kubernetes' API through a controller whose tunnels are plain connections.
@Suite(.timeLimit(.minutes(1))) struct KubernetesAccessTests {
    private let node = NodeName(unchecked: "controller-1")
    private let peer = Peer(uri: "spiffe://chat/agent/controller-1", serial: "1", expired: false)
    private let driving = Driving(
        cluster: ClusterID(unchecked: "chat"), epoch: 1,
        run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))
    private let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Answers as the controller's agent, whose tunnels lead to the local `port`.
    private func answer(_ agent: MemoryLink, _ access: KubernetesAccess, port: UInt16) async throws
    {
        for try await message in agent.incoming {
            guard case .request(let request) = message else { continue }
            switch request.body {
            case .kubeconfig:
                let body = Reply.Body.secret(Secret(StageStand.kubeconfig))
                try await agent.send(.reply(Reply(id: request.id, body: body)))
            case .openTunnel(let number):
                try await agent.send(.reply(Reply(id: request.id, body: .done)))
                await access.deliver(
                    TunnelHello(number: number), try connectLocal(port: port), from: peer)
            default: continue
            }
        }
    }

    @Test("the tunnels of a revoked controller end with what they carry, and nobody else's do")
    func revoked() async throws {
        try await withStore { store in
            let fake = FakeWorld(autoAdvance: false)
            let downlinks = Downlinks(
                driving: driving, version: "1", store: store, clock: fake.clock, log: log,
                renew: { _, _ in CertificateChain(pem: "") })
            let access = KubernetesAccess(
                downlinks: downlinks, cluster: driving.cluster, world: fake.world,
                folder: "/p/kube", log: log)
            let (agent, coordinator) = MemoryLink.pair(agent: peer, coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            try await agent.send(
                .hello(Hello(node: node, agentVersion: "1", bootID: "b", fence: nil)))
            var heard = agent.incoming.makeAsyncIterator()
            _ = try await heard.next()
            let api = try await LocalListener.bind()
            let answering = Task { try? await answer(agent, access, port: api.port) }

            let path = try await access.kubeconfig(through: node)
            let address = try #require(fake.files[path]?.split(separator: "127.0.0.1:").last)
            let port = try #require(UInt16(address.prefix { $0.isNumber }))
            let client = try await connectLocal(port: port)
            var served = api.accepted.makeAsyncIterator()
            let server = try #require(await served.next())
            let revocations = Revocations(store)
            for revoked in [NodeName(unchecked: "worker-1"), node] {
                try await client.write([1])
                #expect(try await server.read() == [1])
                _ = try revocations.revoke(revoked, by: "ann@desk", now: fake.clock.now())
                await access.cut(downlinks.cutRevoked())
            }
            // The end of a connection that was cut comes as an end or as an error.
            #expect((try? await client.read()) == nil)

            await access.close()
            await agent.close()
            await serving.value
            await answering.value
        }
    }
}
