import Model
import Outside
import Support
import Testing

@Suite("A CA that gives nothing", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct RefusalTests {
    @Test(
        "the old certificate stays, the reason is told, and the next try waits",
        arguments: Debian.allCases)
    func refusals(debian: Debian) async throws {
        try await EdgeNode.with(debian) { node in
            try await node.converge(node.certificate)
            node.clock.setAhead(EdgeNode.untilDue)
            try await node.pebble.losesDNS(of: node.edge.domain)
            try await expectRefusal("could not resolve", node)

            // Each later trouble comes a day after, when the next try is due.
            node.clock.setAhead(EdgeNode.untilDue + .seconds(86_400))
            await node.pebble.stop()
            try await Pebble.with(in: node.edge) { _ in
                try await expectRefusal("refused the account", node)
            }
            node.clock.setAhead(EdgeNode.untilDue + .seconds(2 * 86_400))
            // Nobody was asked, so nothing is spent and the next look is soon.
            try await expectRefusal("Connection refused", node, spending: 0)
        }
    }

    /// The reconciler comes again and again; certbot is run once for it, and the edge stays as it
    /// is.
    private func expectRefusal(
        _ reason: String, _ node: EdgeNode, spending spent: Int = 1
    ) async throws {
        let (step, orders) = (try node.certificate, await node.orders)
        let (served, worker) = (try await node.served(), try await node.worker)
        let first = await #expect(throws: Failure.self) { try await step.apply(node.world) }
        #expect(first?.message.contains(reason) == true, "\(first?.message ?? "")")
        for _ in 0..<5 {
            let again = await #expect(throws: Failure.self) { try await step.apply(node.world) }
            #expect(again?.message.contains(reason) == true)
            #expect(again?.message.contains("next try at") == (spent > 0))
        }
        #expect(await node.orders == orders + spent)
        #expect(try await node.served() == served)
        #expect(try node.placed() == served)
        #expect(try await node.worker == worker)
        let starts = try await node.wouldStart()
        #expect(starts)
    }
}
