import Model
import Synchronization
import Testing

@testable import Wire

@Suite("TLSLink", .timeLimit(.minutes(2)))
struct TLSLinkTests {
    @Test("both sides know each other and messages cross in order both ways")
    func happy() async throws {
        let stand = try await Stand()
        let (agent, coordinator) = try await stand.pair()
        #expect(agent.peer?.uri == Stand.coordinatorURI)
        #expect(coordinator.peer?.uri == Stand.agentURI)
        for message in [Samples.hello, Samples.status] {
            try await agent.send(message)
            #expect(try await coordinator.heard() == message)
        }
        for number: UInt64 in 0..<100 { try await coordinator.send(.eventsSeen(upTo: number)) }
        for number: UInt64 in 0..<100 {
            #expect(try await agent.heard() == .eventsSeen(upTo: number))
        }
        await agent.close()
        #expect(try await coordinator.heard() == nil)
        #expect(await failing { try await coordinator.send(Samples.welcome) }?.code == .unavailable)
    }

    @Test("replies larger than all that may queue arrive whole and in order")
    func largest() async throws {
        let (agent, coordinator) = try await Stand().pair()
        let text = String(repeating: "x", count: 1 << 20)
        async let sent: Void = {
            for id in 0..<3 {
                try await agent.send(.reply(Reply(id: UInt64(id), body: .text(text))))
            }
        }()
        for id in 0..<3 {
            let heard = try await coordinator.heard()
            #expect(heard == .reply(Reply(id: UInt64(id), body: .text(text))))
        }
        try await sent
    }

    @Test("a link that nobody holds closes itself")
    func dropped() async throws {
        let stand = try await Stand()
        var agent: (any Link)? = try await stand.dial(credentials: stand.agent)
        let coordinator = try await stand.nextLink()
        #expect(agent != nil)
        agent = nil
        #expect(try await coordinator.heard() == nil)
    }

    @Test("a renewed certificate is served from the next connection on")
    func rotation() async throws {
        let authority = try TestAuthority()
        let first = try authority.credentials(Stand.coordinatorURI)
        let second = try authority.credentials(Stand.coordinatorURI)
        let box = Held(first)
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, credentials: { box.value }, check: authority.check,
            log: .init(label: "test"))
        let agent = try authority.credentials(Stand.agentURI)
        func serial() async throws -> String? {
            let link = try await Dialer.dial(
                host: "127.0.0.1", port: listener.port, conversation: .link, credentials: agent,
                check: authority.check)
            return link.peer?.serial
        }
        let before = try await serial()
        #expect(try await serial() == before)
        box.value = second
        #expect(try await serial() != before)
    }

    @Test("the agent refuses a coordinator of another CA before it says anything")
    func wrongServer() async throws {
        let stand = try await Stand()
        let other = try TestAuthority()
        let failure = await failing {
            try await stand.dial(credentials: stand.agent, check: other.check)
        }
        #expect(failure?.code == .unauthorized)
        #expect(failure?.message.contains("another CA") == true)
        try await stand.refused(.handshake)
    }

    @Test("the coordinator refuses an agent of another CA, and the agent learns why")
    func wrongClient() async throws {
        let stand = try await Stand()
        let foreign = try TestAuthority().credentials(Stand.agentURI)
        let link = try await stand.dial(credentials: foreign)
        #expect(await failing { try await link.heard() }?.code == .unauthorized)
        try await stand.refused(.unauthorized)
    }

    @Test(
        "a link or tunnel without certificate is closed at once",
        arguments: [Conversation.link, .tunnel])
    func noCertificate(conversation: Conversation) async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS([conversation.rawValue], credentials: nil)
        #expect(await stream.drained() == 0)
        try await stand.refused(.noCertificate)
    }

    @Test("TLS 1.2 and unknown protocols are refused")
    func oldOrUnknown() async throws {
        let stand = try await Stand()
        let old = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent, newest: .tlsv12)
        #expect(await old.drained() == 0)
        try await stand.refused(.handshake)
        let unknown = try await stand.rawTLS(["h2"], credentials: stand.agent)
        #expect(await unknown.drained() == 0)
        try await stand.refused(.unknownConversation)
    }

    @Test("nobody there and nobody answering are told apart, in time")
    func unreachable() async throws {
        let silent = try await LocalListener.bind()
        let authority = try TestAuthority()
        let agent = try authority.credentials(Stand.agentURI)
        func dial() async -> Failure? {
            await failing {
                try await Dialer.dial(
                    host: "127.0.0.1", port: silent.port, conversation: .link,
                    credentials: agent, check: authority.check, deadline: .milliseconds(200))
            }
        }
        #expect(await dial()?.code == .timeout)
        await silent.close()
        let failure = await dial()
        #expect(failure?.code == .unavailable)
        #expect(failure?.fix.isEmpty == false)
    }

    @Test("a cancelled call ends at once")
    func cancelled() async throws {
        let silent = try await LocalListener.bind()
        let authority = try TestAuthority()
        let agent = try authority.credentials(Stand.agentURI)
        let call = Task {
            try await Dialer.dial(
                host: "127.0.0.1", port: silent.port, conversation: .link, credentials: agent,
                check: authority.check, deadline: .seconds(60))
        }
        var accepted = silent.accepted.makeAsyncIterator()
        let stream = await accepted.next()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        _ = stream
    }

    @Test("a taken port and a foreign address are said")
    func bind() async throws {
        let stand = try await Stand()
        func failure(_ host: String, _ port: UInt16) async -> Failure? {
            let server = stand.agent
            return await failing {
                try await Listener.bind(
                    host: host, port: port, credentials: { server },
                    check: stand.authority.check, log: .init(label: "test"))
            }
        }
        #expect(await failure("127.0.0.1", stand.listener.port)?.code == .conflict)
        #expect(await failure("192.0.2.1", 0)?.code == .invalid)
    }
}

/// A value that a test changes under a running closure.
final class Held<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
