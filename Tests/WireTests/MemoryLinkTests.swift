import Model
import Support
import Testing
import Wire

@Suite("MemoryLink", .timeLimit(.minutes(1)))
struct MemoryLinkTests {
    private let peer = Peer(uri: "spiffe://prod/agent/controller-1", serial: "01", expired: false)

    @Test("messages cross both ways, are held by a partition and arrive when it heals")
    func partition() async throws {
        let (agent, coordinator) = MemoryLink.pair(agent: peer, coordinator: nil)
        #expect(coordinator.peer == peer)
        var heard = coordinator.incoming.makeAsyncIterator()
        try await agent.send(Samples.hello)
        #expect(try await heard.next() == Samples.hello)
        agent.partition()
        try await agent.send(Samples.status)
        try await coordinator.send(Samples.welcome)
        try agent.heal()
        #expect(try await heard.next() == Samples.status)
        var answer = agent.incoming.makeAsyncIterator()
        #expect(try await answer.next() == Samples.welcome)
    }

    @Test("closing ends both, severing says that the peer is dead")
    func ends() async throws {
        let (agent, coordinator) = MemoryLink.pair(agent: nil, coordinator: nil)
        await agent.close()
        var heard = coordinator.incoming.makeAsyncIterator()
        #expect(try await heard.next() == nil)
        #expect(await failing { try await agent.send(Samples.hello) }?.code == .unavailable)

        let (left, right) = MemoryLink.pair(agent: nil, coordinator: nil)
        left.sever()
        var silence = right.incoming.makeAsyncIterator()
        #expect(await failing { try await silence.next() }?.code == .timeout)
    }
}
