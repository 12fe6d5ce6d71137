import Model
import Testing

@Suite struct NameTests {
    @Test(
        "names that could be an option, a path or a control sequence are refused",
        arguments: [
            "-rf", "--config=x", "a b", "a\"b", "a\nb", "a\0b", "../../x", "é.example",
            "*.example.org", "", ".", "a..b", "a.", "UPPER.example.org",
            String(repeating: "a", count: 64) + ".org",
            String(repeating: "a.", count: 126) + "org", "10.0.0.1",
        ])
    func hostileDomains(text: String) {
        let failure = #expect(throws: Failure.self) { try DomainName(text) }
        #expect(failure?.code == .invalid)
        #expect(failure?.message.utf8.allSatisfy { $0 >= 32 && $0 < 127 } == true)
    }

    @Test("plain domain names are accepted", arguments: ["chat.example.org", "a.b", "x-1.y2.io"])
    func plainDomains(text: String) throws {
        #expect(try DomainName(text).rawValue == text)
    }

    @Test("a name is checked when it is decoded")
    func decoding() {
        #expect(throws: Failure.self) {
            try JSON.decode(NodeName.self, from: #""../x""#.utf8, what: "a name")
        }
    }

    @Test("a digest prints as lower-case hexadecimal and wants 32 bytes")
    func digest() throws {
        #expect(try Digest(bytes: [UInt8](repeating: 0xAB, count: 32)).rawValue.hasPrefix("abab"))
        #expect(throws: Failure.self) { try Digest(bytes: [1, 2, 3]) }
    }

    @Test(
        "a run's id is 16 lower-case hexadecimal digits",
        arguments: [
            "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg",
            "0123456789abcd\u{e9}", "../../../../../x",
        ])
    func hostileRuns(text: String) throws {
        #expect(throws: Failure.self) { try RunID(text) }
        #expect(try RunID("0123456789abcdef").rawValue == "0123456789abcdef")
    }
}
