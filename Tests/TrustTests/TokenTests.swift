import Model
import Support
import Testing

@testable import Trust

struct TokenTests {
    @Test("a token is 260 random bits in 52 letters, and no two are the same")
    func make() throws {
        let chance = SeededChance(7)
        let tokens = (0..<100).map { _ in Token.make(chance).reveal() }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { $0.utf8.count == 52 })
        #expect(Set(tokens.joined()).count == 32)
    }

    @Test("only the hash of a token is kept, and the same token has the same hash")
    func hash() throws {
        let token = Token.make(SeededChance(7))
        #expect(try Token.hash(token) == Hash.sha256(token.reveal().utf8))
        #expect(!(try Token.hash(token).rawValue.contains(token.reveal())))
        #expect("\(token)" == "[redacted]")
    }

    @Test(
        "what is not a token is refused before it is hashed",
        arguments: [
            "", "short", String(repeating: "a", count: 51), String(repeating: "a", count: 53),
            String(repeating: "a", count: 51) + "A", String(repeating: "a", count: 51) + "1",
            String(repeating: "a", count: 51) + "\n", String(repeating: "a", count: 50) + "\r\n",
            String(repeating: "a", count: 49) + "%0a", String(repeating: "a", count: 51) + "\0",
            String(repeating: "\u{e9}", count: 26), String(repeating: "a", count: 1 << 20),
        ])
    func refused(text: String) {
        #expect {
            try Token.hash(Secret(text))
        } throws: { error in
            let failure = error as? Failure
            return failure?.code == .unauthorized
                && failure?.message == "reading an enrolment token: it is not one"
        }
    }
}
