import FoundationEssentials
import Model
import Support
import Testing

@testable import Outside

@Suite(.timeLimit(.minutes(1))) struct ServerTLSTests {
    private static let fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

    private let now = World.live().clock.now()
    private let ca: LoopbackCA

    init() throws { ca = try LoopbackCA(now: now) }

    /// What a request to a server with such a certificate brings.
    private func ask(
        _ credentials: LoopbackCA.Credentials, host: String = "127.0.0.1", roots: String? = nil,
        deadline: Duration = .seconds(10), bytesMax: Int = 1000,
        answer: @escaping LoopbackHTTPS.Answer = { _ in fine }
    ) async throws -> (response: HTTPResponse, requests: [String]) {
        try await LoopbackHTTPS.with(credentials, answer: answer) { server in
            let endpoint = Endpoint.tls(
                host: host, port: server.port, rootsPEM: roots ?? ca.rootPEM)
            let response = try await LiveNetwork().http(
                HTTPRequest("GET", endpoint, "/directory"), deadline: deadline,
                bytesMax: bytesMax, op: "test")
            return (response, server.requests)
        }
    }

    private func failure(
        _ credentials: LoopbackCA.Credentials, host: String = "127.0.0.1", roots: String? = nil,
        deadline: Duration = .seconds(10), bytesMax: Int = 1000,
        answer: @escaping LoopbackHTTPS.Answer = { _ in fine }
    ) async throws -> Failure {
        let failure = await #expect(throws: Failure.self) {
            _ = try await ask(
                credentials, host: host, roots: roots, deadline: deadline, bytesMax: bytesMax,
                answer: answer)
        }
        return try #require(failure)
    }

    @Test("a server whose certificate is for its address or its name is asked")
    func right() async throws {
        let byAddress = try await ask(ca.issue(addresses: ["127.0.0.1"]))
        #expect(String(decoding: byAddress.response.body, as: UTF8.self) == "fine")
        #expect(byAddress.requests.first?.hasPrefix("GET /directory HTTP/1.1\r\n") == true)
        let byName = try await ask(ca.issue(names: ["localhost"]), host: "localhost")
        #expect(byName.response.status == 200)
        #expect(byName.requests.first?.contains("\r\nHost: localhost:") == true)
    }

    @Test("a certificate of another CA is refused, and nothing is asked")
    func stranger() async throws {
        let good = try ca.issue(addresses: ["127.0.0.1"])
        for roots in [try LoopbackCA(now: now).rootPEM, ""] {
            let refusal = try await failure(
                good, roots: roots,
                answer: { _ in
                    Issue.record("a request reached a server that is not trusted")
                    return nil
                })
            #expect(refusal.code == .unauthorized)
            #expect(refusal.message.contains("does not chain to the roots"))
        }
    }

    @Test("a certificate for another name or another address is refused")
    func anotherName() async throws {
        let cases = [
            (try ca.issue(names: ["localhost"]), "127.0.0.1"),
            (try ca.issue(addresses: ["127.0.0.2"]), "127.0.0.1"),
            (try ca.issue(names: ["acme.example.test"], addresses: ["127.0.0.1"]), "localhost"),
        ]
        for (credentials, host) in cases {
            let refusal = try await failure(credentials, host: host)
            #expect(refusal.code == .unauthorized)
            #expect(refusal.message.contains("for another name"))
        }
    }

    @Test("a certificate whose time is over is refused")
    func expired() async throws {
        let past = try LoopbackCA(now: now.addingTimeInterval(-10 * 86_400))
        let refusal = try await failure(
            past.issue(addresses: ["127.0.0.1"]), roots: past.rootPEM)
        #expect(refusal.code == .unauthorized)
    }

    @Test("a redirection is an answer like any other")
    func redirection() async throws {
        let answer = "HTTP/1.1 302 Found\r\nLocation: https://other/\r\nContent-Length: 0\r\n\r\n"
        let (response, requests) = try await ask(
            ca.issue(addresses: ["127.0.0.1"]), answer: { _ in answer })
        #expect(response.status == 302)
        #expect(requests.count == 1)
    }

    @Test("an answer that is too large, cut off or missing is a failure")
    func badAnswers() async throws {
        let good = try ca.issue(addresses: ["127.0.0.1"])
        let large = try await failure(good, bytesMax: 3)
        #expect(large.code == .invalid)
        let cut = try await failure(
            good, answer: { _ in "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" })
        #expect(cut.code == .unavailable)
        let silent = try await failure(
            good, deadline: .milliseconds(300), answer: { _ in nil })
        #expect(silent.code == .timeout)
    }

    @Test("roots that are no certificates are named, and a port where nobody listens too")
    func nothingThere() async throws {
        let good = try ca.issue(addresses: ["127.0.0.1"])
        #expect(try await failure(good, roots: "garbage").code == .invalid)
        let refused = await #expect(throws: Failure.self) {
            _ = try await LiveNetwork().http(
                HTTPRequest("GET", .tls(host: "127.0.0.1", port: 1), "/"),
                deadline: .seconds(5), bytesMax: 10, op: "test")
        }
        #expect(refused?.code == .unavailable)
        #expect(refused?.message.hasSuffix("Connection refused") == true)
    }
}
