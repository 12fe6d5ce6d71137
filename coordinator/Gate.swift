import FoundationEssentials
import Model
import Outside
import Trust

/// Looks at the chat from outside, as a person's browser would, and says what it saw.
///
/// resolve → TCP → TLS (name, chain, days left) → the redirect of port 80 → what answers over
/// HTTPS. It goes through the zone's own answer and the public address, never around them.
public struct Gate: Sendable {
    /// What was seen.
    public struct Verdict: Codable, Sendable, Hashable {
        public let address: String
        public let serial: String
        public let notAfter: Date
        /// Status of `https://domain/`.
        public let status: Int

        public var certificate: String {
            "serial \(serial), until \(notAfter.formatted(.iso8601))"
        }

        public var summary: String {
            "\(address), certificate \(certificate), HTTPS \(status)"
        }
    }

    let domain: DomainName
    /// Roots of a private CA; empty means the system's.
    let trustPEM: String
    let world: World
    let lookup: @Sendable (DomainName) async throws -> [String]

    /// Throws a failure that names the first thing that is not as a browser needs it.
    func pass() async throws -> Verdict {
        let addresses = try await lookup(domain)
        guard let address = addresses.first else {
            throw Failure(.unavailable, "looking at \(domain): its zone has no A record for it")
        }
        try await redirected(address)
        let request = "GET / HTTP/1.1\r\nHost: \(domain)\r\nConnection: close\r\n\r\n"
        let served = try await Probe.connect(
            host: address, port: 443, name: domain, rootsPEM: trustPEM, deadline: .seconds(10),
            judgedAt: world.clock.now(), request: Array(request.utf8))
        try judge(served)
        let first = served.answer.prefix { $0 != UInt8(ascii: "\r") }
        let line = String(decoding: first, as: UTF8.self)
        let parts = line.split(separator: " ")
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Failure(.failed, "looking at https://\(domain): it did not answer HTTP")
        }
        return Verdict(
            address: address, serial: served.facts.serialHex, notAfter: served.facts.notAfter,
            status: status)
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
