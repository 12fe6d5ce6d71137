import Crypto
import Model
import Testing

@testable import Wire

@Suite("Tunnel", .timeLimit(.minutes(3)))
struct TunnelTests {
    private let chunk = [UInt8]((0..<(256 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    private let chunks = 256

    private func tunnel(_ stand: Stand, number: UInt64 = 7) async throws -> (RawStream, RawStream) {
        let agent = try await Dialer.dialTunnel(
            host: "127.0.0.1", port: stand.listener.port, number: number,
            credentials: stand.agent, check: stand.authority.check)
        guard case .tunnel(let hello, let stream, let peer) = try await stand.next() else {
            throw Failure(.failed, "not a tunnel")
        }
        #expect(hello.number == number)
        #expect(peer.uri == Stand.agentURI)
        return (agent, stream)
    }

    private func pour(_ stream: RawStream) async throws {
        for _ in 0..<chunks { try await stream.write(chunk) }
        try await stream.finish()
    }

    private func digest(_ stream: RawStream) async throws -> (SHA256.Digest, Int) {
        var hash = SHA256()
        var count = 0
        while let bytes = try await stream.read() {
            hash.update(data: bytes)
            count += bytes.count
        }
        return (hash.finalize(), count)
    }

    @Test(
        "64 MiB go both ways at once through local port, tunnel and service, each ending by itself")
    func bulk() async throws {
        let stand = try await Stand()
        let (agent, coordinator) = try await tunnel(stand)
        let service = try await LocalListener.bind()
        let door = try await LocalListener.bind()
        let carried = ByteCount()
        let splices = Task {
            async let inner: Void = splice(agent, connectLocal(port: service.port))
            var visitors = door.accepted.makeAsyncIterator()
            guard let visitor = await visitors.next() else { return }
            try await splice(visitor, coordinator, counting: carried)
            try await inner
        }
        let client = try await connectLocal(port: door.port)
        var served = service.accepted.makeAsyncIterator()
        let server = try #require(await served.next())

        async let up: Void = pour(client)
        async let down: Void = pour(server)
        async let atServer = digest(server)
        async let atClient = digest(client)
        var expected = SHA256()
        for _ in 0..<chunks { expected.update(data: chunk) }
        let wanted = (expected.finalize(), chunks * chunk.count)
        #expect(try await atServer == wanted)
        #expect(try await atClient == wanted)
        try await up
        try await down
        try await splices.value
        #expect(carried.total == 2 * chunks * chunk.count)
    }

    @Test("one side may finish and still hear the whole answer")
    func halfClose() async throws {
        let (agent, coordinator) = try await tunnel(Stand())
        try await coordinator.write(Array("question".utf8))
        try await coordinator.finish()
        var heard: [UInt8] = []
        while let bytes = try await agent.read() { heard += bytes }
        #expect(heard == Array("question".utf8))
        try await agent.write(Array("answer".utf8))
        try await agent.finish()
        var answer: [UInt8] = []
        while let bytes = try await coordinator.read() { answer += bytes }
        #expect(answer == Array("answer".utf8))
    }

    @Test("bytes that came with the tunnel's number are not lost")
    func earlyBytes() async throws {
        let stand = try await Stand()
        let stream = try await stand.rawTLS(
            [Conversation.tunnel.rawValue], credentials: stand.agent)
        try await stream.write(
            Frame.encode(.tunnel(TunnelHello(number: 1))) + Array("early".utf8))
        guard case .tunnel(_, let accepted, _) = try await stand.next() else {
            throw Failure(.failed, "not a tunnel")
        }
        #expect(try await accepted.read() == Array("early".utf8))
    }

    @Test("a writer waits for a reader that does not read")
    func backPressure() async throws {
        let (agent, coordinator) = try await tunnel(Stand())
        let written = Held(0)
        let writer = Task {
            for _ in 0..<256 {
                try await agent.write(chunk)
                written.value += 1
            }
            try await agent.finish()
        }
        // The reader is not there: the writer must come to a halt well before 64 MiB.
        var last = -1
        while last != written.value || last == 0 {
            last = written.value
            try await ContinuousClock().sleep(for: .milliseconds(150))
        }
        #expect(last < 200)
        #expect(try await digest(coordinator).1 == 256 * chunk.count)
        try await writer.value
    }

    @Test("when one side breaks, the other is closed")
    func broken() async throws {
        let (agent, coordinator) = try await tunnel(Stand())
        let door = try await LocalListener.bind()
        let client = try await connectLocal(port: door.port)
        var visitors = door.accepted.makeAsyncIterator()
        let visitor = try #require(await visitors.next())
        let splicing = Task { try await splice(visitor, coordinator) }
        await agent.close()
        #expect(await client.drained() == 0)
        await client.close()
        _ = await splicing.result
    }

    @Test("a cancelled splice closes both sides")
    func cancelled() async throws {
        let (agent, coordinator) = try await tunnel(Stand())
        let door = try await LocalListener.bind()
        let client = try await connectLocal(port: door.port)
        var visitors = door.accepted.makeAsyncIterator()
        let visitor = try #require(await visitors.next())
        let splicing = Task { try await splice(visitor, coordinator) }
        splicing.cancel()
        #expect(await agent.drained() == 0)
        #expect(await client.drained() == 0)
        await #expect(throws: CancellationError.self) { try await splicing.value }
    }

    @Test("a tunnel that says no number, the wrong thing or has an expired certificate is refused")
    func refused() async throws {
        var limits = LinkLimits()
        limits.enrolmentFrame = .milliseconds(150)
        let stand = try await Stand(limits: limits)
        let silent = try await stand.rawTLS(
            [Conversation.tunnel.rawValue], credentials: stand.agent)
        #expect(await silent.drained() == 0)
        try await stand.refused(.noTunnelNumber)
        let wrong = try await stand.rawTLS(
            [Conversation.tunnel.rawValue], credentials: stand.agent)
        try await wrong.write(Frame.encode(Samples.hello))
        #expect(await wrong.drained() == 0)
        try await stand.refused(.noTunnelNumber, 2)
        let old = try stand.authority.credentials("spiffe://prod/agent/expired")
        let expired = try await stand.rawTLS([Conversation.tunnel.rawValue], credentials: old)
        #expect(await expired.drained() == 0)
        try await stand.refused(.expiredCertificate)
    }

    @Test("nothing listening is said with the address")
    func nothingThere() async throws {
        let door = try await LocalListener.bind()
        await door.close()
        let failure = await failing { try await connectLocal(port: door.port) }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("127.0.0.1:\(door.port)") == true)
    }
}
