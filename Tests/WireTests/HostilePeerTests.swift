import Model
import Testing

@testable import Wire

@Suite("Hostile and dead peers", .timeLimit(.minutes(2)))
struct HostilePeerTests {
    @Test(
        "what is not a frame closes the link with a reason",
        arguments: [
            ("garbage", Array("GET / HTTP/1.1\r\n\r\n".utf8), Failure.Code.invalid),
            ("zero", [0, 0, 0, 0], .invalid),
            ("huge", [0x7f, 0xff, 0xff, 0xff, 2], .invalid),
            ("status too large", [0, 0x20, 0, 0, MessageKind.status.rawValue], .invalid),
            ("unknown kind", [0, 0, 0, 3, 200, 0x7b, 0x7d], .unsupported),
            ("a coordinator's word", [0, 0, 0, 3, MessageKind.spec.rawValue], .invalid),
            ("not JSON", [0, 0, 0, 2, MessageKind.hello.rawValue, 0xff], .invalid),
        ])
    func notAFrame(name: String, bytes: [UInt8], code: Failure.Code) async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent)
        let link = try await stand.nextLink()
        try await stream.write(bytes)
        let failure = await failing { try await link.heard() }
        #expect(failure?.code == code, "\(name): \(failure?.message ?? "accepted")")
        #expect(await stream.drained() == 0)
    }

    @Test("a frame cut off by the end of the connection is an error, not a message")
    func truncated() async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent)
        let link = try await stand.nextLink()
        try await stream.write(Frame.encode(Samples.hello).dropLast())
        try await stream.finish()
        #expect(await failing { try await link.heard() }?.code == .unavailable)
    }

    @Test("a frame that began must be complete in time, however often a byte comes")
    func slowFrame() async throws {
        var limits = LinkLimits()
        limits.frame = .milliseconds(150)
        let stand = try await Stand(limits: limits)
        let stream = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent)
        let link = try await stand.nextLink()
        let drip = Task {
            for byte in try Frame.encode(Samples.status) {
                try await stream.write([byte])
                try await ContinuousClock().sleep(for: .milliseconds(20))
            }
        }
        #expect(await failing { try await link.heard() }?.code == .timeout)
        drip.cancel()
    }

    @Test("a peer that answers pings and never says a word is given up by either side")
    func wordless() async throws {
        var limits = LinkLimits()
        limits.greeting = .milliseconds(300)
        limits.ping = .milliseconds(50)
        let patient = try await Stand()
        let (agent, coordinator) = try await patient.pair(limits: limits)
        #expect(await failing { try await agent.heard() }?.code == .timeout)
        let hasty = try await Stand(limits: limits)
        let (silent, listening) = try await hasty.pair()
        #expect(await failing { try await listening.heard() }?.code == .timeout)
        _ = (coordinator, silent)
    }

    @Test(
        "a handshake that does not end is closed at its deadline", arguments: [[], [0x16, 3, 1]])
    func slowHandshake(beginning: [UInt8]) async throws {
        var limits = LinkLimits()
        limits.handshake = .milliseconds(150)
        let stand = try await Stand(limits: limits)
        let stream = try await connectLocal(port: stand.listener.port)
        try await stream.write(beginning)
        #expect(await stream.drained() == 0)
        try await stand.refused(.slow)
    }

    @Test("garbage instead of TLS is refused")
    func garbageHandshake() async throws {
        let stand = try await Stand()
        let stream = try await connectLocal(port: stand.listener.port)
        try await stream.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        _ = await stream.drained()
        try await stand.refused(.handshake)
    }

    @Test("when there is no room, young handshakes stay and old ones give way")
    func crowd() async throws {
        var patient = StrangerLimits()
        patient.handshakesMax = 2
        patient.givesWayAfter = .seconds(3600)
        let full = try await Stand(strangers: patient)
        let silent = [
            try await connectLocal(port: full.listener.port),
            try await connectLocal(port: full.listener.port),
        ]
        let late = try await connectLocal(port: full.listener.port)
        try await full.refused(.crowded)
        #expect(full.listener.refusals == [.crowded: 1])

        patient.givesWayAfter = .zero
        let yielding = try await Stand(strangers: patient)
        let old = try await connectLocal(port: yielding.listener.port)
        let young = try await connectLocal(port: yielding.listener.port)
        let (agent, _) = try await yielding.pair()
        #expect(agent.peer != nil)
        try await yielding.refused(.slow)
        #expect(yielding.listener.refusals == [.slow: 1])
        _ = (silent, late, old, young)
    }

    @Test("one source cannot take all places")
    func perSource() async throws {
        var limits = StrangerLimits()
        limits.handshakesPerSourceMax = 1
        limits.givesWayAfter = .seconds(3600)
        let stand = try await Stand(strangers: limits)
        let first = try await connectLocal(port: stand.listener.port)
        let second = try await connectLocal(port: stand.listener.port)
        try await stand.refused(.crowded)
        #expect(stand.listener.refusals == [.crowded: 1])
        _ = (first, second)
    }

    @Test("a peer that never reads is closed after the stall deadline")
    func neverReading() async throws {
        var limits = LinkLimits()
        limits.stall = .milliseconds(200)
        let stand = try await Stand(limits: limits)
        let stream = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent)
        let link = try await stand.nextLink()
        let message = Message.reply(
            Reply(id: 1, body: .text(String(repeating: "x", count: 3 << 20))))
        let failure = await failing { while true { try await link.send(message) } }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("does not read") == true)
        #expect(await failing { try await link.heard() }?.code == .timeout)
        _ = stream
    }

    @Test("what queues for a peer that never reads is bounded")
    func bounded() async throws {
        var limits = LinkLimits()
        limits.outgoingBytesMax = 4 << 20
        let stand = try await Stand(limits: limits)
        let stream = try await stand.rawTLS(
            [Conversation.link.rawValue], credentials: stand.agent)
        let link = try await stand.nextLink()
        let message = Message.reply(
            Reply(id: 1, body: .text(String(repeating: "x", count: 1 << 20))))
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 {
                group.addTask { await failing { try await link.send(message) } != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused > 0)
        #expect(await failing { try await link.heard() }?.code == .unavailable)
        _ = stream
    }

    @Test("a link with nothing to say is kept by its pings")
    func idle() async throws {
        var limits = LinkLimits()
        limits.ping = .milliseconds(50)
        limits.silence = .seconds(1)
        let (agent, coordinator) = try await Stand(limits: limits).pair(limits: limits)
        try await ContinuousClock().sleep(for: .milliseconds(1500))
        try await agent.send(Samples.hello)
        #expect(try await coordinator.heard() == Samples.hello)
        try await coordinator.send(Samples.welcome)
        #expect(try await agent.heard() == Samples.welcome)
    }

    @Test("both ends notice within the silence limit that nothing arrives any more")
    func blackHole() async throws {
        var limits = LinkLimits()
        limits.ping = .milliseconds(100)
        limits.silence = .seconds(2)
        let stand = try await Stand(limits: limits)
        let proxy = try await BlackHole(to: stand.listener.port)
        let agent = try await Dialer.dial(
            host: "127.0.0.1", port: proxy.port, conversation: .link, credentials: stand.agent,
            check: stand.authority.check, limits: limits)
        let coordinator = try await stand.nextLink()
        try await agent.send(Samples.hello)
        #expect(try await coordinator.heard() == Samples.hello)
        proxy.swallow()
        async let left = failing { try await agent.heard() }
        async let right = failing { try await coordinator.heard() }
        #expect(await left?.code == .timeout)
        #expect(await right?.code == .timeout)
    }
}

/// Forwards one connection until it is told to swallow everything, without closing anything.
final class BlackHole: Sendable {
    let port: UInt16
    private let swallows = Held(false)
    private let task: Task<Void, any Error>

    init(to target: UInt16) async throws {
        let listener = try await LocalListener.bind()
        port = listener.port
        let swallows = swallows
        task = Task {
            var accepted = listener.accepted.makeAsyncIterator()
            guard let near = await accepted.next() else { return }
            let far = try await connectLocal(port: target)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (from, to) in [(near, far), (far, near)] {
                    group.addTask {
                        while let bytes = try await from.read() {
                            if !swallows.value { try await to.write(bytes) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    deinit { task.cancel() }

    func swallow() { swallows.value = true }
}
