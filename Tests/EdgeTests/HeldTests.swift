import Model
import Support
import Testing

@Suite("An order that is held", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct HeldTests {
    @Test("an address that moved and a clock that is off cost no order, and what serves goes on")
    func held() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            let served = try await node.served()
            node.clock.setAhead(EdgeNode.untilDue)

            node.clock.faces.moves(to: "198.51.100.7")
            try await expectHeld("its A record leads to 192.0.2.1", node)
            node.clock.faces.moves(to: "192.0.2.1")
            node.clock.setCABehind(EdgeNode.untilDue)
            try await expectHeld("ahead of the CA's", node)
            #expect(try await node.served() == served)

            node.clock.setCABehind(.zero)
            try await node.renew()
            #expect(await node.orders == 2)
        }
    }

    private func expectHeld(_ reason: String, _ node: EdgeNode) async throws {
        let step = try node.certificate
        for _ in 0..<3 {
            let failure = await #expect(throws: Failure.self) { try await step.apply(node.world) }
            #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
        }
        #expect(await node.orders == 1)
    }
}
