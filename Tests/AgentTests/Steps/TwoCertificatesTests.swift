import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct TwoCertificatesTests {
    let layout = EdgeLayout()

    private func node() -> (FakeWorld, FakeEdge) {
        let fake = FakeWorld()
        let edge = FakeEdge(fake, issues: [EdgeFixtures.first])
        fake.files.directory(layout.certificateFolder, mode: 0o700)
        fake.files[layout.certificateList] = ""
        edge.start()
        return (fake, edge)
    }

    /// What the reconciler does with the two steps of a node.
    private func convergeBoth(_ edge: FakeEdge, _ world: World) async throws {
        for type in KeyType.allCases {
            try await converge(edge.certificateStep(type, of: KeyType.allCases), world)
        }
    }

    @Test(
        "each has a lineage, a bundle and a line of its own, and each kind of client gets its own")
    func both() async throws {
        let (fake, edge) = node()
        try await convergeBoth(edge, fake.world)
        #expect(edge.served(.ecdsa) == "a1")
        #expect(edge.served(.rsa) == "c4")
        #expect(edge.issued == 2)
        let lines = [layout.listLine(of: .ecdsa), layout.listLine(of: .rsa)]
        #expect(fake.files[layout.certificateList] == lines.map { $0 + "\n" }.joined())
        let names = fake.units.ran.map { unit in
            let arguments = unit.command.arguments
            return arguments.firstIndex(of: "--cert-name").map { arguments[$0 + 1] }
        }
        #expect(names == ["chat.example.test", "chat.example.test-rsa"])
        #expect(!fake.ops.contains { $0.contains("reload") })
        let step = edge.certificateStep(.rsa, of: KeyType.allCases)
        #expect(await step.detail(fake.world).hasPrefix("serial c4, "))
        fake.forgetOps()
        try await convergeBoth(edge, fake.world)
        #expect(fake.ops.isEmpty)
    }

    @Test("a crash after any effect of both is repaired, with one order each")
    func crashes() async throws {
        var edges: [FakeEdge] = []
        try await crashMatrix(
            setup: {
                let (fake, edge) = node()
                edges.append(edge)
                return fake
            },
            run: { world in
                let edge = edges[edges.count - 1]
                // The budget has room for two tries an hour, and a crash costs one.
                edge.fake.clock.advance(by: .seconds(3600))
                try await convergeBoth(edge, world)
            },
            verify: { _ in
                #expect(edges.last?.served(.ecdsa) == "a1")
                #expect(edges.last?.served(.rsa) == "c4")
                #expect(edges.last?.issued == 2)
            })
    }

    @Test(
        "a kind that is no longer asked for goes when the other one serves",
        arguments: [true, false])
    func fewer(keepsECDSA: Bool) async throws {
        let (kept, gone) = keepsECDSA ? (KeyType.ecdsa, KeyType.rsa) : (.rsa, .ecdsa)
        let (fake, edge) = node()
        try await convergeBoth(edge, fake.world)
        let step = edge.certificateStep(kept, of: [kept])
        #expect(try await step.check(fake.world) != .right)
        try await converge(step, fake.world)
        #expect(edge.served(kept) != nil)
        #expect(edge.served(gone) == nil)
        #expect(fake.files[layout.bundle(of: gone)] == nil)
        #expect(fake.files[layout.certificateList] == layout.listLine(of: kept) + "\n")
    }

    @Test("a wish for one says nothing about the other")
    func wishes() async throws {
        let (fake, edge) = node()
        try await convergeBoth(edge, fake.world)
        fake.clock.advance(by: .seconds(2 * 86_400))
        try edge.certificateStep(.rsa, of: KeyType.allCases).wishRenewal(fake.world)
        let other = edge.certificateStep(.ecdsa, of: KeyType.allCases)
        #expect(try await other.check(fake.world) == .right)
        let wished = edge.certificateStep(.rsa, of: KeyType.allCases)
        #expect(try await wished.check(fake.world) != .right)
    }
}
