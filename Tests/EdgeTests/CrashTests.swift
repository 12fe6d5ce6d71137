import Model
import Outside
import Support
import Testing
import Tools
import Trust

@Suite("A killed agent", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct CrashTests {
    /// What is interrupted: the first certificate, or the one after it.
    enum Work: CaseIterable, Sendable { case issue, renewal }

    /// So many share one work and are at it at once, because certbot sleeps for most of an order.
    private static let nodes = 4

    @Test(
        "killed after any effect of an issue or a renewal, its next life makes one order of it",
        arguments: Work.allCases)
    func orders(work: Work) async throws {
        let effects = try await withThrowingTaskGroup(of: [Op].self) { nodes in
            for share in 0..<Self.nodes {
                nodes.addTask { try await orders(work, share: share) }
            }
            return try await nodes.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(effects.count == 1, "the nodes did not share the same effects: \(effects)")
    }

    /// A kill after each effect of that share, on a node of its own. Returns all effects.
    private func orders(_ work: Work, share: Int) async throws -> [Op] {
        try await EdgeNode.with { node in
            try await begin(work, node)
            node.ledger.forgetOps()
            try await finish(work, node)
            let effects = node.ledger.ops
            #expect(effects.contains("certificate.certbot"))
            for (number, op) in zip(1..., effects) where number % Self.nodes == share {
                try await begin(work, node)
                let (made, runs) = (node.pebble.orders, await node.orders)
                try await killed(node, after: number, of: op)
                let old = try? await node.served().serialHex
                try await finish(work, node, madeBefore: made)
                #expect(node.pebble.orders == made + 1, "killed after \(op)")
                #expect(await node.orders == runs + 1, "killed after \(op)")
                let new = try await node.served().serialHex
                #expect(try new == node.placed().serialHex, "killed after \(op)")
                #expect(old == nil || work == .renewal || old == new)
            }
            return effects
        }
    }

    @Test("killed while certbot is at work, its next life waits for that one and takes its order")
    func during() async throws {
        try await EdgeNode.with { node in
            let life = Task { try await node.converge(node.certificate) }
            _ = try await node.edge.world.clock.poll(
                every: .milliseconds(20), atMost: .seconds(30),
                waitingFor: "the order", op: "test.order"
            ) { node.pebble.orders == 1 ? true : nil }
            node.ledger.kill()
            #expect(await node.edge.units.busy.count == 1)

            let next = node.reborn()
            try await next.converge(next.certificate)
            #expect(next.ledger.ops.contains("certificate.certbot"))
            #expect(node.pebble.orders == 1)
            #expect(await node.orders == 1)
            #expect(try await node.served().serialHex == (try node.placed().serialHex))
            await #expect(throws: Crash.self) { try await life.value }
        }
    }

    @Test("killed after any effect of a rotation, it ends the rotation in its next life")
    func rotation() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let master = await node.edge.units.pid
            node.ledger.forgetOps()
            try await node.mint(generation: 2)
            try await node.converge(node.certificate)
            let rotation = node.ledger.ops
            #expect(rotation.contains("certificate.commit"))
            for (number, op) in zip(1..., rotation) {
                try await node.mint(generation: 2 + number)
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
            #expect(node.pebble.orders == 0)
            #expect(!node.ledger.ops.contains { $0.contains("reload") })
        }
    }

    @Test("killed after any effect of the first bundle, it serves it in its next life")
    func firstBundle() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let step = try node.certificate
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
            #expect(node.pebble.orders == 0)
        }
    }

    /// A node that has that work before it, and tried nothing yet.
    private func begin(_ work: Work, _ node: EdgeNode) async throws {
        let files = node.edge.world.files
        switch work {
        case .issue:
            try await node.certificate.remove(node.edge.world)
            files.clear(node.layout.certbotConfig)
        case .renewal:
            node.clock.setAhead(.zero)
            try await node.converge(node.certificate)
            node.clock.setAhead(EdgeNode.untilDue)
        }
        try files.remove("\(node.edge.state)/certificate.json", op: "test.budget")
    }

    /// Does the work, or what a dead agent left of it if the CA has more orders than `made`. The
    /// clock goes back once there is an order, for what the CA issues begins now.
    private func finish(_ work: Work, _ node: EdgeNode, madeBefore made: Int? = nil) async throws {
        if work == .renewal, made == nil || node.pebble.orders == made {
            try await node.renew()
        } else {
            node.clock.setAhead(.zero)
            try await node.converge(node.certificate)
        }
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
