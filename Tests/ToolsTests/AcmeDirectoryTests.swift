import Model
import Outside
import Testing

@testable import Tools

struct AcmeDirectoryTests {
    private static let url = "https://acme.example.test/directory"

    /// As Let's Encrypt answers, cut.
    private static let answer = """
        {"keyChange": "https://acme.example.test/acme/key-change",
         "meta": {"caaIdentities": ["LetsEncrypt.org"], "website": "https://letsencrypt.org"},
         "newOrder": "https://acme.example.test/acme/new-order",
         "renewalInfo": "https://acme.example.test/acme/renewal-info"}
        """

    private func directory(_ json: String, status: Int = 200) throws -> AcmeDirectory {
        try AcmeDirectory(HTTPResponse(status: status, body: Array(json.utf8)), of: Self.url)
    }

    @Test("the question goes to the configured server, with the configured roots")
    func request() throws {
        let request = try AcmeDirectory.request(Self.url, caPEM: "roots")
        #expect(
            request.endpoint == .tls(host: "acme.example.test", port: 443, rootsPEM: "roots"))
        #expect(request.target == "/directory")
        #expect(request.method == "GET")
    }

    @Test("renewal information and the CA's names are found in its directory")
    func read() throws {
        let directory = try self.directory(Self.answer)
        #expect(directory.caaIdentities == ["letsencrypt.org"])
        #expect(
            try directory.renewalInfo(for: "a.b")?.description
                == "https://acme.example.test/acme/renewal-info/a.b")
    }

    @Test("a CA without renewal information, and without names, is one too")
    func bare() throws {
        let directory = try self.directory(#"{"newOrder": "https://acme.example.test/o"}"#)
        #expect(directory.caaIdentities.isEmpty)
        #expect(try directory.renewalInfo(for: "a.b") == nil)
    }

    @Test(
        "nobody else than the configured server is asked",
        arguments: [
            "https://other.example.test/info", "https://acme.example.test:8443/info",
            "http://acme.example.test/info", "file:///etc/passwd",
        ])
    func elsewhere(place: String) throws {
        let directory = try self.directory(
            #"{"newOrder": "https://acme.example.test/o", "renewalInfo": "\#(place)"}"#)
        #expect(throws: Failure.self) { try directory.renewalInfo(for: "a.b") }
    }

    @Test("an error page is no directory, and a page that is none is refused")
    func broken() {
        let down = #expect(throws: Failure.self) { try directory("<html>", status: 503) }
        #expect(down?.code == .unavailable)
        for text in ["<html>", "{}", #"{"newOrder": 3}"#] {
            let failure = #expect(throws: Failure.self) { try directory(text) }
            #expect(failure?.code == .invalid)
        }
    }
}
