import Model
import Testing

@testable import Outside

struct LiveNetworkTests {
    private let folder: TemporaryFolder
    private let network = LiveNetwork()

    init() throws { folder = try TemporaryFolder() }

    private func http(
        _ request: HTTPRequest, deadline: Duration = .seconds(10), bytesMax: Int = 1000
    ) async throws -> HTTPResponse {
        try await network.http(request, deadline: deadline, bytesMax: bytesMax, op: "test")
    }

    @Test("a request over a Unix socket gets the status, the headers and the body")
    func request() async throws {
        let server = try SocketServer(in: folder) { _ in
            "HTTP/1.1 404 Not Found\r\nX-Kind: error\r\nContent-Length: 4\r\n\r\nnone"
        }
        let response = try await http(
            HTTPRequest(
                "POST", server.endpoint, "/v2/snaps?select=all", headers: ["Accept": "a/b"],
                body: Array("{}".utf8)))
        #expect(response.status == 404)
        #expect(response.headers["x-kind"] == "error")
        #expect(String(decoding: response.body, as: UTF8.self) == "none")
        let sent = try #require(server.requests.words.first)
        #expect(sent.hasPrefix("POST /v2/snaps?select=all HTTP/1.1\r\n"))
        for line in ["Accept: a/b", "Host: localhost", "Content-Length: 2", "Connection: close"] {
            #expect(sent.contains("\r\n\(line)\r\n"))
        }
    }

    @Test("an answer larger than the bound is refused")
    func tooLarge() async throws {
        let server = try SocketServer(in: folder) { _ in
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
        }
        let failure = await #expect(throws: Failure.self) {
            try await http(HTTPRequest("GET", server.endpoint, "/"), bytesMax: 5)
        }
        #expect(failure?.code == .invalid)
    }

    @Test("a server that keeps silent is given up at the deadline")
    func silent() async throws {
        let server = try SocketServer(in: folder) { _ in nil }
        let failure = await #expect(throws: Failure.self) {
            try await http(HTTPRequest("GET", server.endpoint, "/"), deadline: .milliseconds(100))
        }
        #expect(failure?.code == .timeout)
    }

    @Test(
        "an answer that breaks off, and one that is no HTTP, are `unavailable`",
        arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "", "garbage\r\n\r\n"])
    func broken(answer: String) async throws {
        let server = try SocketServer(in: folder) { _ in answer }
        let failure = await #expect(throws: Failure.self) {
            try await http(HTTPRequest("GET", server.endpoint, "/"))
        }
        #expect(failure?.code == .unavailable)
    }

    @Test("nobody there is `unavailable`, with errno's text")
    func nobody() async throws {
        let failure = await #expect(throws: Failure.self) {
            try await http(HTTPRequest("GET", .unix(path: folder.file("none")), "/"))
        }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.hasSuffix("No such file or directory") == true)
    }

    @Test("an exchange sends its bytes and reads until the peer closes")
    func exchange() async throws {
        let server = try SocketServer(in: folder) { "you said \($0)" }
        let answer = try await network.exchange(
            server.endpoint, sending: Array("show info\n".utf8), deadline: .seconds(10),
            bytesMax: 100, op: "test")
        #expect(String(decoding: answer, as: UTF8.self) == "you said show info\n")
        let failure = await #expect(throws: Failure.self) {
            try await network.exchange(
                server.endpoint, sending: [1], deadline: .seconds(10), bytesMax: 3, op: "test")
        }
        #expect(failure?.code == .invalid)
    }

    @Test("a numeric address resolves to itself")
    func resolve() async throws {
        let addresses = try await network.resolve("127.0.0.1", deadline: .seconds(10), op: "test")
        #expect(addresses == ["127.0.0.1"])
    }
}
