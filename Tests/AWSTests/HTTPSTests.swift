import Model
import Outside
import Support
import Testing

@testable import AWS

@Suite struct HTTPSTests {
    @Test("a port where nobody listens is unavailable")
    func refused() async {
        let request = HTTPS.Request("GET", url: "http://127.0.0.1:1/")
        #expect(await failure { try await HTTPS.send(request) }?.code == .unavailable)
    }

    @Test("only GET and POST of http and https, and no header inside a header, are ever sent")
    func refusals() async {
        let requests = [
            HTTPS.Request("GET", url: "file:///etc/passwd"), HTTPS.Request("GET", url: "ftp://x/"),
            HTTPS.Request("GET", url: "x"), HTTPS.Request("PUT", url: "http://127.0.0.1:1/"),
            HTTPS.Request("GET", url: "http://127.0.0.1:1/", headers: ["a": "b\r\nc: d"]),
        ]
        for request in requests {
            #expect(await failure { try await HTTPS.send(request) }?.code == .invalid)
        }
    }

    @Test("the answer comes with its status; a redirect is not followed")
    func answers() async throws {
        let server = try LoopbackServer()
        async let served = server.serve(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nhi")
        let found = try await HTTPS.send(
            HTTPS.Request(
                "POST", url: "http://127.0.0.1:\(server.port)/a?b=c", headers: ["x-one": "1"],
                body: Array("body".utf8)))
        #expect(found == HTTPResponse(status: 302, body: Array("hi".utf8)))
        let seen = try await served
        #expect(seen.hasPrefix("POST /a?b=c HTTP/1.1\r\n"))
        #expect(seen.contains("\r\nx-one: 1\r\n"))
        #expect(seen.hasSuffix("\r\n\r\nbody"))
    }

    @Test("an answer that is too large is refused, one that is too late a timeout")
    func bounds() async throws {
        let large = try LoopbackServer()
        async let served = large.serve(
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
                + String(repeating: "x", count: 100))
        let refused = await failure {
            try await HTTPS.send(
                HTTPS.Request("GET", url: "http://127.0.0.1:\(large.port)/"),
                options: HTTPS.Options(bytesMax: 99))
        }
        #expect(refused?.code == .invalid)
        _ = try await served
        let silent = try LoopbackServer()
        let late = await failure {
            try await HTTPS.send(
                HTTPS.Request("GET", url: "http://127.0.0.1:\(silent.port)/"),
                options: HTTPS.Options(deadline: .milliseconds(50)))
        }
        #expect(late?.code == .timeout)
    }
}
