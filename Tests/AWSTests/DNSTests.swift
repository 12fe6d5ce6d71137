import Model
import Support
import Testing

@testable import AWS

@Suite struct DNSTests {
    private static let question = DNSMessage.question(id: 0x1234, domain: chat)
    private static let ok: UInt16 = 0x8400

    /// A message with our question and these answers.
    private static func message(_ flags: UInt16, _ answers: [[UInt8]], id: UInt16 = 0x1234)
        -> [UInt8]
    {
        func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
        return bytes(id) + bytes(flags) + bytes(1) + bytes(UInt16(answers.count)) + [0, 0, 0, 0]
            + question[12...] + answers.flatMap { $0 }
    }

    /// A record whose owner is a pointer to the question's name.
    private static func record(type: UInt8 = 1, data: [UInt8], owner: [UInt8] = [0xC0, 12])
        -> [UInt8]
    {
        owner + [0, type, 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
    }

    @Test("a question is as RFC 1035 lays it out")
    func layout() {
        #expect(
            Self.question == [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4] + Array("chat".utf8) + [
                7
            ]
                + Array("example".utf8) + [3] + Array("org".utf8) + [0, 0, 1, 0, 1])
    }

    @Test(
        "addresses of the name asked for are read, compressed or not; other records are passed over"
    )
    func addresses() throws {
        let spelled: [UInt8] =
            [4] + Array("CHAT".utf8) + [0xC0, 17]  // a label, then a pointer into the question
        let message = Self.message(
            Self.ok,
            [
                Self.record(data: [203, 0, 113, 9]), Self.record(type: 16, data: [1, 65]),
                Self.record(data: [192, 0, 2, 1], owner: spelled),
                Self.record(data: [198, 51, 100, 7], owner: [0xC0, 17]),
            ])
        let answer = try #require(DNSMessage.answer(message, id: 0x1234, domain: chat))
        #expect(answer.addresses == ["203.0.113.9", "192.0.2.1"])
        #expect(answer.isAuthoritative && !answer.isTruncated && answer.responseCode == 0)
    }

    @Test("another id, another name, a question, or pointers in a circle are no answer")
    func impostors() {
        let address = Self.record(data: [1, 2, 3, 4])
        func answer(_ message: [UInt8]) -> DNSMessage.Answer? {
            DNSMessage.answer(message, id: 0x1234, domain: chat)
        }
        #expect(answer(Self.message(Self.ok, [address], id: 0x1235)) == nil)
        #expect(answer(Self.message(0x0400, [address])) == nil)
        #expect(
            DNSMessage.answer(
                Self.message(Self.ok, [address]), id: 0x1234,
                domain: DomainName(unchecked: "chat.example.com")) == nil)
        let here = UInt8(Self.message(Self.ok, []).count)
        #expect(
            answer(Self.message(Self.ok, [Self.record(data: [1], owner: [0xC0, here])])) == nil)
        #expect(answer(Self.message(Self.ok, [Self.record(data: [1, 2, 3])])) == nil)
    }

    @Test("a message cut off, or with any byte changed, never traps")
    func garbage() {
        let whole = Self.message(Self.ok, [Self.record(data: [1, 2, 3, 4])])
        for count in 0..<whole.count {
            #expect(DNSMessage.answer(Array(whole[..<count]), id: 0x1234, domain: chat) == nil)
        }
        for place in whole.indices {
            for value in [0, 1, 0x3F, 0x40, 0x80, 0xC0, 0xFF] as [UInt8] {
                var changed = whole
                changed[place] = value
                _ = DNSMessage.answer(changed, id: 0x1234, domain: chat)
            }
        }
        let chance = SeededChance(7)
        for _ in 0..<2_000 {
            let noise = Self.question[..<2] + chance.bytes(Int(chance.bytes(1)[0]))
            _ = DNSMessage.answer(Array(noise), id: 0x1234, domain: chat)
        }
    }

    @Test(
        "a server is asked over UDP, and what it says is judged",
        arguments: [
            (
                UInt16(0x8400), [[203, 0, 113, 9], [192, 0, 2, 1]] as [[UInt8]],
                nil as Failure.Code?
            ),
            (0x8400, [], .notFound), (0x8403, [], .notFound),
            (0x8000, [[203, 0, 113, 9]], .unavailable), (0x8402, [], .unavailable),
            (0x8600, [[203, 0, 113, 9]], .unsupported),
        ])
    func server(flags: UInt16, addresses: [[UInt8]], code: Failure.Code?) async throws {
        let server = try NameServer { question in
            let id = UInt16(question[0]) << 8 | UInt16(question[1])
            return [
                Self.message(flags, [], id: id &+ 1),  // a forged one first
                Self.message(flags, addresses.map { Self.record(data: $0) }, id: id),
            ]
        }
        async let served: Void = server.serve()
        var found: [String] = []
        let failed = await failure {
            found = try await DNS.addresses(
                of: chat, at: "127.0.0.1", port: server.port, chance: SeededChance(3))
        }
        #expect(failed?.code == code)
        #expect(found == (code == nil ? ["192.0.2.1", "203.0.113.9"] : []))
        await served
    }

    @Test("a server that is silent is unavailable after three questions")
    func silence() async throws {
        let server = try NameServer { _ in [] }
        let failed = await failure {
            try await DNS.addresses(
                of: chat, at: "127.0.0.1", port: server.port, chance: SeededChance(3),
                wait: .milliseconds(20))
        }
        #expect(failed?.code == .unavailable)
    }
}
