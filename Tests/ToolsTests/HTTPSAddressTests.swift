import Model
import Testing

@testable import Tools

struct HTTPSAddressTests {
    @Test(
        "host, port and target come out of an https URL",
        arguments: [
            ("https://acme.example.test/dir", "acme.example.test", 443, "/dir"),
            ("HTTPS://Acme.Example.test", "acme.example.test", 443, "/"),
            ("https://127.0.0.1:14000/dir?x=1", "127.0.0.1", 14000, "/dir?x=1"),
            ("https://[::1]:14000/dir", "::1", 14000, "/dir"),
            ("https://acme.example.test?x", "acme.example.test", 443, "/?x"),
        ] as [(String, String, UInt16, String)])
    func parts(text: String, host: String, port: UInt16, target: String) throws {
        let address = try HTTPSAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.target == target)
        #expect(try HTTPSAddress(address.description) == address)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "http://acme.example.test/", "ftp://x", "https://", "https:///dir", "https://:443/",
            "https://user@acme.example.test/", "https://acme.example.test:0/", "https://a:b/",
            "https://acme.example.test:70000/", "https://a b/", "https://a/#x", "https://[::1/",
            "https://a/\r\nHost: other", "https://[::1]x/", "https://[]/",
            "https://acme.example.test/" + String(repeating: "x", count: 2000),
        ])
    func refused(text: String) {
        let failure = #expect(throws: Failure.self) { try HTTPSAddress(text) }
        #expect(failure?.code == .invalid)
    }

    @Test("a name is put below a path with one slash")
    func below() throws {
        for text in ["https://a/info", "https://a/info/"] {
            #expect(try HTTPSAddress(text).appending("x.y").target == "/info/x.y")
        }
    }
}
