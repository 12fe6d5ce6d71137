import Model
import Testing

@testable import Wire

@Suite("Enrolment", .timeLimit(.minutes(1)))
struct EnrolmentTests {
    private func accepted(_ stand: Stand) async throws -> any Link {
        guard case .enrolment(let link, let source) = try await stand.next() else {
            throw Failure(.failed, "not an enrolment")
        }
        #expect(source == "127.0.0.1")
        #expect(link.peer == nil)
        return link
    }

    @Test("a stranger gets its challenge, says one frame and gets its certificate")
    func happy() async throws {
        let stand = try await Stand()
        let node = try await stand.dial(.enrolment, credentials: nil)
        #expect(node.peer?.uri == Stand.coordinatorURI)
        let coordinator = try await accepted(stand)
        try await coordinator.send(.challenge(EnrolmentChallenge(nonce: "00")))
        #expect(try await node.heard() == .challenge(EnrolmentChallenge(nonce: "00")))
        try await node.send(Samples.enrolment)
        #expect(try await coordinator.heard() == Samples.enrolment)
        try await coordinator.send(.certificate(CertificateChain(pem: "pem")))
        #expect(try await node.heard() == .certificate(CertificateChain(pem: "pem")))
    }

    @Test(
        "a second frame, another message and 16 KiB and a byte are refused",
        arguments: [
            [Samples.enrolment, Samples.enrolment], [Samples.hello], [.ping(1)],
        ])
    func oneFrame(messages: [Message]) async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS([Conversation.enrolment.rawValue], credentials: nil)
        let coordinator = try await accepted(stand)
        try await stream.write(messages.flatMap(Frame.encode))
        let failure = await failing { while try await coordinator.heard() != nil {} }
        #expect(failure?.code == .invalid)
        #expect(await stream.drained() == 0)
    }

    @Test("a frame of more than 16 KiB is refused by its header")
    func oversize() async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS([Conversation.enrolment.rawValue], credentials: nil)
        let coordinator = try await accepted(stand)
        let length = UInt32(16 << 10 + 2)
        try await stream.write(
            Samples.frame(length: length, kind: MessageKind.enrolment.rawValue, body: ""))
        #expect(await failing { try await coordinator.heard() }?.code == .invalid)
    }

    @Test("a stranger that says nothing, or stays too long, is closed")
    func deadlines() async throws {
        var limits = LinkLimits()
        limits.enrolmentFrame = .milliseconds(150)
        let hasty = try await Stand(limits: limits)
        let silent = try await hasty.dial(.enrolment, credentials: nil)
        let first = try await accepted(hasty)
        #expect(await failing { try await first.heard() }?.code == .timeout)
        #expect(try await silent.heard() == nil)

        limits = LinkLimits()
        limits.enrolment = .seconds(1)
        let short = try await Stand(limits: limits)
        let talker = try await short.dial(.enrolment, credentials: nil)
        let second = try await accepted(short)
        try await talker.send(Samples.enrolment)
        #expect(try await second.heard() == Samples.enrolment)
        #expect(await failing { try await second.heard() }?.code == .timeout)
    }

    @Test("strangers that fill their places keep other strangers out, and no agent")
    func places() async throws {
        var strangers = StrangerLimits()
        strangers.enrolmentsMax = 1
        let stand = try await Stand(strangers: strangers)
        let first = try await stand.dial(.enrolment, credentials: nil)
        let served = try await accepted(stand)
        let second = try await stand.dial(.enrolment, credentials: nil)
        try await stand.refused(.crowded)
        let (agent, _) = try await stand.pair()
        #expect(agent.peer != nil)
        #expect(stand.listener.refusals == [.crowded: 1])
        _ = (first, served, second)
    }

    @Test("an enrolment with a certificate is refused")
    func withCertificate() async throws {
        let stand = try await Stand()
        let link = try await stand.dial(.enrolment, credentials: stand.agent)
        _ = try? await link.heard()
        try await stand.refused(.unexpectedCertificate)
    }

    @Test("more than the allowed number a second from one source are refused")
    func rate() async throws {
        var strangers = StrangerLimits()
        strangers.enrolmentsPerSecond = 1
        let stand = try await Stand(strangers: strangers)
        for _ in 0..<4 {
            let stream = try await stand.rawTLS(
                [Conversation.enrolment.rawValue], credentials: nil)
            try? await stream.write([0])
        }
        try await stand.refused(.enrolmentRate)
        #expect(stand.listener.refusals[.crowded] == nil)
    }
}
