import FoundationEssentials
import Logging
import Model
import Outside
import Support
import Testing
import Trust

@testable import Agent

extension CertificateTests {
    @Test("Debian 13's pebble is asked when to renew, and a revocation has it done at once")
    func inquiry() async throws {
        try await EdgeNode.with(.trixie) { node in
            try await node.converge(node.certificate)
            let old = try await node.served()
            let inquiry = try await node.inquiry()
            await #expect(inquiry.turn() > .seconds(59))
            let told = try await node.told()
            #expect(told.note == "when the CA suggests")
            let share = told.renewsFrom.timeIntervalSince(old.notBefore) / old.lifetime.seconds
            #expect((0.64...0.69).contains(share))
            #expect(try await node.certificate.check(node.world) == .right)

            try await node.pebble.revokesLast()
            // The CA is not asked again before it wants to be, which is within a day.
            node.clock.setAhead(.seconds(2 * 86_400))
            _ = await inquiry.turn()
            #expect(try await node.told().note == "the CA wants it replaced at once")
            try await node.converge(node.certificate)
            #expect(try await node.served().serialHex != old.serialHex)
            #expect(await node.orders == 2)
        }
    }

    @Test("Debian 12's pebble says nothing of renewal, and that is no trouble")
    func noInquiry() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            _ = try await node.inquiry().turn()
            #expect(try await node.told().note.isEmpty)
        }
    }

    @Test(
        "certificates of six days and of ten minutes are renewed by their own measure",
        arguments: Debian.allCases)
    func short(debian: Debian) async throws {
        // At once, because certbot sleeps for most of an order.
        try await withThrowingTaskGroup { nodes in
            for lifetime in [Duration.seconds(6 * 86_400), .seconds(600)] {
                nodes.addTask { try await short(lifetime, debian) }
            }
            try await nodes.waitForAll()
        }
    }

    private func short(_ lifetime: Duration, _ debian: Debian) async throws {
        try await EdgeNode.with(debian, lifetime: lifetime) { node in
            try await node.converge(node.certificate)
            let old = try await node.served()
            #expect((0.99...1.01).contains(old.lifetime / lifetime))
            let begun = node.edge.world.clock.now()
            let wait = try await node.told().renewsFrom.timeIntervalSince(begun)
            #expect((0.6...0.76).contains(wait / lifetime.seconds), "\(lifetime)")
            node.clock.setAhead(.seconds(wait - 30))
            #expect(try await node.certificate.check(node.world) == .right)
            node.clock.setAhead(.seconds(wait + 30))
            try await node.certificate.apply(node.world)
            // What the CA issues now begins now.
            node.clock.setAhead(.zero)
            #expect(try await node.certificate.check(node.world) == .right)
            #expect(try await node.served().serialHex != old.serialHex)
            #expect(await node.orders == 2)
        }
    }
}

extension EdgeNode {
    /// What the node's status says of its certificate.
    func told() async throws -> ServedCertificate {
        try #require(ServedCertificate(await certificate.detail(world)))
    }

    /// An agent's, on this node.
    func inquiry() async throws -> RenewalInquiry {
        let settings = Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "ctrl-1"),
            pin: Hash.sha256([]), coordinators: ["127.0.0.1:1"], region: "", tokenFile: nil)
        let state = StateFolder(edge.state)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let step = try #require(certificate as? CertificateStep)
        let reconciler = Reconciler(
            settings: settings, state: state, world: world,
            facts: Facts(
                system: "debian", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: world.files, state: state), version: "1", log: log,
            makeStep: { _ in step })
        await reconciler.accept(
            NodeSpec(
                cluster: settings.cluster, node: settings.node, epoch: 1,
                run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: Hash.sha256([]),
                steps: [StepSpec(id: step.id, body: .certificate(step.spec))]))
        return RenewalInquiry(reconciler: reconciler, world: world, log: log)
    }
}
