import Model
import Outside
import Support
import Testing
import Trust

@Suite("A killed agent", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct CrashTests {
    @Test("killed after any effect of a rotation, it ends the rotation in its next life")
    func rotation() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            let first = node.ledger.ops
            let ordered = try #require(first.firstIndex(of: "certificate.certbot")) + 1
            try await killedAfterOrder(node, effects: ordered - first.startOfCertificate)

            // No more orders are needed from here on.
            let master = await node.edge.units.pid
            node.ledger.forgetOps()
            try await node.mint(generation: 3)
            try await node.converge(node.certificate)
            let rotation = node.ledger.ops
            #expect(rotation.contains("certificate.commit"))
            for (number, op) in zip(1..., rotation) {
                try await node.mint(generation: 3 + number)
                let before = try await node.served().serialHex
                try await killed(node, after: number, of: op)
                // Whenever it dies, clients are shown the old or the new certificate.
                let between = try await node.served().serialHex
                try await node.converge(node.certificate)
                let after = try await node.served().serialHex
                #expect(after != before, "killed after \(op)")
                #expect([before, after].contains(between))
            }
            #expect(await node.edge.units.pid == master)
            #expect(await node.orders == 2)
            #expect(!node.ledger.ops.contains { $0.contains("reload") })
        }
    }

    @Test("killed after any effect of the first bundle, it serves it in its next life")
    func firstBundle() async throws {
        try await EdgeNode.with { node in
            let step = try node.certificate
            try await node.converge(step)
            let serial = try await node.served().serialHex
            try await step.remove(node.world)
            node.ledger.forgetOps()
            try await node.converge(step)
            for (number, op) in zip(1..., node.ledger.ops) {
                try await step.remove(node.world)
                await #expect(throws: Failure.self) { try await node.served() }
                try await killed(node, after: number, of: op)
                try await node.converge(step)
                #expect(try await node.served().serialHex == serial, "killed after \(op)")
            }
            #expect(await node.orders == 1)
        }
    }

    /// The agent dies when certbot has just got a renewal; the order is not repeated.
    private func killedAfterOrder(_ node: EdgeNode, effects: Int) async throws {
        let old = try await node.served().serialHex
        node.clock.setAhead(EdgeNode.untilDue)
        try await killed(node, after: effects, of: "certificate.certbot")
        node.clock.setAhead(.zero)
        #expect(await node.orders == 2)
        #expect(try await node.served().serialHex == old)
        try await node.converge(node.certificate)
        #expect(try await node.served().serialHex != old)
        #expect(await node.orders == 2)
    }

    private func killed(_ node: EdgeNode, after number: Int, of op: Op) async throws {
        node.ledger.crash(after: number)
        await #expect(throws: Crash.self) { try await node.converge(node.certificate) }
        #expect(node.ledger.crashedAfter == op)
        node.ledger.restart()
        let starts = try await node.wouldStart()
        #expect(starts, "HAProxy would not start on what a crash after \(op) left")
    }
}

extension [Op] {
    /// Where the certificate's effects begin, after those of HAProxy's own.
    fileprivate var startOfCertificate: Int { firstIndex { $0.hasPrefix("certificate.") } ?? 0 }
}
