import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Trust

@testable import Coordinator
@testable import Trust

/// What a browser finds at the controller's public address: a redirect, a certificate, and the chat
/// once its routes are there.
final class FakeEdge: Sendable {
    struct State {
        var redirect = (status: 301, location: "https://chat.example.org/")
        var distrust: String?
        /// Asks that find nobody listening.
        var refusals = 0
        /// Paths that answer otherwise.
        var answers: [String: String] = [:]
        var ddp = #"?{"msg":"connected","session":"s"}"#
        var asked = 0
    }

    private let state = Mutex(State())
    private let cluster: FakeCluster

    init(_ fake: FakeWorld, _ cluster: FakeCluster) {
        self.cluster = cluster
        fake.network.on("GET", .tcp(host: "203.0.113.9", port: 80), "/") { _ in
            let (status, location) = self.state.withLock { $0.redirect }
            return HTTPResponse(status: status, headers: ["Location": location], body: [])
        }
    }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// One TLS conversation.
    func talk(_ address: String, _ exchanges: [Probe.Exchange]) throws -> Probe.Served {
        let isAway = state.withLock { state in
            state.asked += 1
            state.refusals -= 1
            return state.refusals >= 0
        }
        guard !isAway, address == "203.0.113.9" else {
            throw Failure(.unavailable, "looking at \(address):443: Connection refused")
        }
        let hasChat = cluster.look { $0.objects.contains { $0.name == "jeeves-web" } }
        return Probe.Served(
            facts: try Self.facts.get(), chain: [],
            distrust: look { $0.distrust },
            answers: look { state in
                exchanges.map { Self.answer($0.request, hasChat, state) }
            })
    }

    private static func answer(_ request: [UInt8], _ hasChat: Bool, _ state: State) -> [UInt8] {
        let line = String(decoding: request.prefix { $0 != 13 }, as: UTF8.self)
        guard line.hasPrefix("GET ") else { return Array(state.ddp.utf8) }
        let path = String(line.split(separator: " ")[1])
        let found = state.answers[path] ?? (hasChat ? chat[path] : nil) ?? "404 Not Found\r\n\r\n"
        return Array("HTTP/1.1 \(found)".utf8)
    }

    private static let chat = [
        "/": "200 OK\r\n\r\n<script>__meteor_runtime_config__ = {}</script>",
        "/api/info": "200 OK\r\n\r\n{\"version\":\"8.6.1\",\"success\":true}",
        "/websocket": "101 Switching Protocols\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ]

    private static let facts = Result { try CertificateFacts(pem: certificate) }

    /// For chat.example.org, until February 2027.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBqDCCAU6gAwIBAgIUAu8MvP7BQ6XJUpUpngezbEmgiI4wCgYIKoZIzj0EAwIw
        GzEZMBcGA1UEAwwQY2hhdC5leGFtcGxlLm9yZzAeFw0yNjExMjMxMTQwMTNaFw0y
        NzAyMjExMTQwMTNaMBsxGTAXBgNVBAMMEGNoYXQuZXhhbXBsZS5vcmcwWTATBgcq
        hkjOPQIBBggqhkjOPQMBBwNCAAR2bHBz0dFxvUbsrhLnEjFN9/Jh2dA4n0+kHvN+
        BaLd7One11e2QmroFhEjlhSOKuIb0RNNfAXoHl6zG4wnB1/1o3AwbjAdBgNVHQ4E
        FgQUbXeJAeaU3amAqzavsUeSjgbnuPkwHwYDVR0jBBgwFoAUbXeJAeaU3amAqzav
        sUeSjgbnuPkwDwYDVR0TAQH/BAUwAwEB/zAbBgNVHREEFDASghBjaGF0LmV4YW1w
        bGUub3JnMAoGCCqGSM49BAMCA0gAMEUCIFfVW1HP4YjBVMA204V96YYK67rKw8uJ
        5gR/9HPmizbpAiEA+8aRaDxZZVmc3ccIr2iN+NDKDEq9xc+SejAvt44Z2Xw=
        -----END CERTIFICATE-----
        """
}
