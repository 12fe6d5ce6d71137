import FoundationEssentials
import Model
import Outside
import Trust

/// Looks at the chat from outside, as a person's browser would, and says what it saw.
///
/// resolve → TCP → TLS (name, chain, days left) → the redirect of port 80 → what answers over
/// HTTPS; and once the chat is there: `/api/info` → login page → a WebSocket and DDP's `connect`.
/// It goes through the zone's own answer and the public address, never around them.
public struct Gate: Sendable {
    /// What was seen.
    public struct Verdict: Codable, Sendable, Hashable {
        public let address: String
        public let serial: String
        public let notAfter: Date
        /// Status of `https://domain/`.
        public let status: Int
        /// What the chat says it is; nil while only the edge is there.
        public let version: String?

        public var certificate: String {
            "serial \(serial), until \(notAfter.formatted(.iso8601))"
        }

        public var summary: String {
            "\(address), certificate \(certificate), HTTPS \(status)"
                + (version.map { ", Rocket.Chat \($0), DDP connected" } ?? "")
        }
    }

    let domain: DomainName
    /// Roots of a private CA; empty means the system's.
    let trustPEM: String
    /// Whether the chat itself must answer, or the edge is enough.
    let wantsChat: Bool
    let world: World
    let lookup: @Sendable (DomainName) async throws -> [String]
    var talk: Talk = Self.live

    /// Says the exchanges to an address over one TLS connection and tells what was served.
    typealias Talk =
        @Sendable (Gate, _ address: String, [Probe.Exchange]) async throws -> Probe.Served

    static let live: Talk = { gate, address, exchanges in
        try await Probe.connect(
            host: address, port: 443, name: gate.domain, rootsPEM: gate.trustPEM,
            deadline: .seconds(10), judgedAt: gate.world.clock.now(), exchanges: exchanges)
    }

    /// Throws a failure that names the first thing that is not as a browser needs it.
    func pass() async throws -> Verdict {
        let addresses = try await lookup(domain)
        guard let address = addresses.first else {
            throw Failure(.unavailable, "looking at \(domain): its zone has no A record for it")
        }
        try await redirected(address)
        let (served, page) = try await get("/", at: address)
        try judge(served)
        let version = wantsChat ? try await chat(at: address, page: page) : nil
        return Verdict(
            address: address, serial: served.facts.serialHex, notAfter: served.facts.notAfter,
            status: page.status, version: version)
    }

    private func get(_ path: String, at address: String) async throws -> (
        Probe.Served, ChatAnswers.HTTP
    ) {
        let served = try await look(at: address, [.init(ChatAnswers.get(path, of: domain))])
        guard let answer = ChatAnswers.HTTP(served.answer) else {
            throw Failure(.failed, "looking at https://\(domain)\(path): it did not answer HTTP")
        }
        return (served, answer)
    }

    private func look(at address: String, _ exchanges: [Probe.Exchange]) async throws
        -> Probe.Served
    {
        try await talk(self, address, exchanges)
    }

    /// The chat's version, after it was seen to answer as a browser needs it.
    private func chat(at address: String, page: ChatAnswers.HTTP) async throws -> String {
        let site = "https://\(domain)"
        let (_, info) = try await get("/api/info", at: address)
        guard let version = ChatAnswers.version(info) else {
            throw Failure(
                .failed,
                "looking at \(site)/api/info: HTTP \(info.status), not Rocket.Chat's answer")
        }
        guard ChatAnswers.isLoginPage(page) else {
            throw Failure(
                .failed, "looking at \(site)/: HTTP \(page.status), not Rocket.Chat's page")
        }
        let talked = try await look(
            at: address,
            [
                .init(ChatAnswers.upgrade(of: domain), isWhole: { ChatAnswers.HTTP($0) != nil }),
                .init(
                    ChatAnswers.connect(mask: world.chance.bytes(4)),
                    isWhole: { ChatAnswers.isConnected($0) != nil }),
            ])
        let upgraded = ChatAnswers.HTTP(talked.answer)
        guard let upgraded, ChatAnswers.isUpgraded(upgraded) else {
            let status = upgraded.map { "HTTP \($0.status)" } ?? "no answer"
            throw Failure(.failed, "opening wss://\(domain)/websocket: \(status), no WebSocket")
        }
        guard talked.answers.count == 2, ChatAnswers.isConnected(talked.answers[1]) == true else {
            throw Failure(.failed, "opening wss://\(domain)/websocket: DDP did not connect")
        }
        return version
    }

    private func judge(_ served: Probe.Served) throws {
        let tried = "looking at https://\(domain)"
        guard served.facts.names.contains(domain.rawValue) else {
            let names = served.facts.names.joined(separator: ", ")
            throw Failure(.failed, "\(tried): the certificate is for \(names)")
        }
        if let reason = served.distrust {
            throw Failure(.failed, "\(tried): the certificate is not trusted: \(reason)")
        }
        guard served.facts.notAfter > world.clock.now() else {
            throw Failure(.failed, "\(tried): the certificate has expired")
        }
    }

    /// Port 80 must lead to HTTPS.
    private func redirected(_ address: String) async throws {
        let answer = try await world.network.http(
            HTTPRequest(
                "GET", .tcp(host: address, port: 80), "/", headers: ["Host": domain.rawValue]),
            deadline: .seconds(10), bytesMax: 1 << 20, op: "gate.redirect")
        let location = answer.headers.first { $0.key.lowercased() == "location" }?.value ?? ""
        guard (301...308).contains(answer.status), location.hasPrefix("https://\(domain)/") else {
            throw Failure(
                .failed,
                "looking at http://\(domain): HTTP \(answer.status) to \"\(location)\", not a "
                    + "redirect to HTTPS")
        }
    }
}
