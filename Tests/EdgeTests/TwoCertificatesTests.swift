import Model
import Outside
import Support
import Testing
import Tools

@Suite("Two certificates", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct TwoCertificatesTests {
    private let both = KeyType.allCases

    @Test("HAProxy gives each client the kind it knows, through renewals, reloads and back to one")
    func both() async throws {
        try await EdgeNode.with { node in
            let (ecdsa, rsa) = (
                try node.certificate(.ecdsa, of: both), try node.certificate(.rsa, of: both)
            )
            try await node.converge(ecdsa)
            let worker = try await node.worker
            try await node.converge(rsa)
            #expect(await node.orders == 2)
            try await expectBoth(node)
            // Who knows both is given the cheaper one.
            #expect(try await node.served().keyType == .ecdsa)

            let before = try await node.served(.ecdsa)
            try await node.mint(generation: 2, .rsa)
            try await node.converge(rsa)
            try await expectBoth(node)
            #expect(try await node.served(.ecdsa) == before)
            #expect(try await node.worker == worker)

            // As it starts after a reboot.
            try await node.edge.units.job(
                .restart, "haproxy.service", deadline: .seconds(30), op: "test.restart")
            try await expectBoth(node)

            try await node.converge(node.certificate)
            #expect(try await node.served(.ecdsa) == before)
            await #expect(throws: Failure.self) { try await node.served(.rsa) }
            let starts = try await node.wouldStart()
            #expect(starts)
        }
    }

    @Test("an open transaction for one does not get into the way of the other")
    func transaction() async throws {
        try await EdgeNode.with { node in
            for type in both {
                try await node.mintFirst(type)
                try await node.converge(node.certificate(type, of: both))
            }
            // Another writer stopped in the middle.
            let pem = Secret(
                try node.edge.world.files.text(node.layout.bundle(of: .rsa)) ?? "")
            let answer = try await node.edge.world.network.exchange(
                .unix(path: node.layout.runtimeSocket),
                sending: Array(
                    HAProxyRuntime.set(node.layout.bundle(of: .rsa), pem: pem).reveal().utf8),
                deadline: .seconds(5), bytesMax: 1 << 16, op: "test.set")
            #expect(String(decoding: answer, as: UTF8.self).contains("Transaction created"))
            let other = try await node.served(.rsa)
            try await node.mint(generation: 2)
            node.ledger.forgetOps()
            try await node.converge(node.certificate(.ecdsa, of: both))
            try await expectBoth(node)
            #expect(try await node.served(.rsa) == other)
            #expect(node.ledger.ops.contains("certificate.abort.other"))
            #expect(!node.ledger.ops.contains { $0.contains("reload") })
        }
    }

    private func expectBoth(_ node: EdgeNode) async throws {
        for type in both {
            let served = try await node.served(type)
            #expect(served.keyType == type)
            #expect(served == (try node.placed(type)))
        }
    }
}
