import Model
import Outside

/// Why certbot got no certificate, told from its output and its log: certbot's exit code is 1 for
/// everything, and certbot 2.1 hides some answers of the CA behind errors of its own.
public struct CertbotTrouble: Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        case busy, diskFull, portTaken, brokenFolder
        case untrustedCA, unresolvableCA, unreachableCA
        case rateLimited, rejectedName, caa, dns, connection, unauthorized, account, other
    }

    public let kind: Kind
    /// The CA's or certbot's own words, bounded; may be empty.
    public let detail: String
    /// How long the CA asks us to wait (RFC 8555 §6.6).
    public let retryAfter: Duration?

    /// Largest log read.
    public static let logBytesMax = 4 << 20

    public init(_ finished: Finished, log: String) {
        let printed = finished.output + "\n" + finished.errors
        let all = printed + "\n" + log
        let kind = Self.signs.first { _, words in words.contains { all.contains($0) } }?.kind
        self.kind = kind ?? .other
        detail = Self.detail(printed: printed, log: log) ?? Self.lastWords(finished)
        retryAfter = Self.field("Retry-After", in: log).flatMap { Int($0) }
            .map { .seconds(min(max($0, 0), 7 * 86_400)) }
    }

    /// What each kind looks like, the most certain first: a log that holds the CA's own problem
    /// type (RFC 8555 §6.7) may end in an unrelated Python error.
    private static let signs: [(kind: Kind, words: [String])] = [
        (.busy, ["Another instance of Certbot is already running"]),
        (.diskFull, ["No space left on device", "[Errno 28]"]),
        (.portTaken, ["Could not bind TCP port"]),
        (.brokenFolder, ["live directory exists", "archive directory exists", "parse failure"]),
        (.rateLimited, ["acme:error:rateLimited"]),
        (.rejectedName, ["acme:error:rejectedIdentifier"]),
        (.caa, ["acme:error:caa"]),
        (.account, accountTypes),
        (.dns, ["acme:error:dns", "Type:   dns"]),
        (.connection, ["acme:error:connection", "Type:   connection", "acme:error:tls"]),
        (.unauthorized, ["acme:error:unauthorized", "Type:   unauthorized"]),
        (.untrustedCA, ["CERTIFICATE_VERIFY_FAILED"]),
        (.unresolvableCA, ["Name or service not known", "Temporary failure in name resolution"]),
        (
            .unreachableCA,
            [
                "Connection refused", "ConnectionError", "ReadTimeout", "ConnectTimeout",
                "Network is unreachable", "acme:error:serverInternal", "<Response [5",
            ]
        ),
    ]

    private static let accountTypes = [
        "acme:error:accountDoesNotExist", "acme:error:externalAccountRequired",
        "acme:error:invalidContact", "acme:error:unsupportedContact",
        "acme:error:userActionRequired",
    ]

    /// `Detail:` of a failed challenge, or the CA's `"detail"` in the log, or the last error line.
    private static func detail(printed: String, log: String) -> String? {
        if let text = field("Detail", in: printed) { return String(text.prefix(300)) }
        if let text = quoted("\"detail\": \"", in: log) ?? quoted("\"detail\":\"", in: log) {
            return String(text.prefix(300))
        }
        return nil
    }

    /// How it ended, without the advice that certbot closes every failure with.
    private static func lastWords(_ finished: Finished) -> String {
        var finished = finished
        finished.errors = finished.errors.split(whereSeparator: \.isNewline)
            .filter { !$0.hasPrefix("Ask for help or search for solutions") }
            .joined(separator: "\n")
        return finished.sentence
    }

    /// The value of the last `name: value` line.
    private static func field(_ name: String, in text: String) -> Substring? {
        text.split(whereSeparator: \.isNewline).last { line in
            line.drop { $0 == " " }.hasPrefix("\(name):")
        }.map { line in
            line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
        }
    }

    private static func quoted(_ opening: String, in text: String) -> Substring? {
        guard let start = text.ranges(of: opening).last?.upperBound else { return nil }
        let line = text[start...].prefix { !$0.isNewline }.replacing("\\\"", with: "'")
        return line.prefix { $0 != "\"" }
    }
}

extension CertbotTrouble {
    /// Whether certbot could not even start, so that it does not count as a try.
    public var isBusy: Bool { kind == .busy }

    /// Whether it is the CA that was in trouble or not to be talked to, whatever is asked of it.
    public var isOfTheCA: Bool {
        switch kind {
        case .untrustedCA, .unresolvableCA, .unreachableCA, .rateLimited, .account, .other: true
        case .busy, .diskFull, .portTaken, .brokenFolder, .rejectedName, .caa, .dns, .connection,
            .unauthorized:
            false
        }
    }

    /// As a failure for people: what was tried, what happened, what to do.
    public func failure(for spec: CertificateSpec) -> Failure {
        let (code, what, fix) = words(spec)
        let said = detail.isEmpty || kind == .busy ? "" : " (\(detail))"
        return Failure(
            code, "asking \(spec.directory) for a certificate for \(spec.domain): \(what)\(said)",
            fix: fix)
    }

    private func words(_ spec: CertificateSpec) -> (Failure.Code, String, fix: String) {
        let domain = spec.domain
        return switch kind {
        case .busy: (.unavailable, "another certbot is at work", "")
        case .diskFull: (.failed, "the disk is full", "free space on the node, see `df -h`")
        case .portTaken:
            (.conflict, "another program has certbot's port", "see `ss -ltnp` on the node")
        case .brokenFolder:
            (
                .conflict, "certbot's own folder is not as it left it",
                "move live/\(domain), archive/\(domain) and renewal/\(domain).conf away"
            )
        case .untrustedCA:
            (
                .unauthorized, "the node does not trust the CA's own certificate",
                "name its root in `certificate.acme.caFile`, and check the node's clock"
            )
        case .unresolvableCA:
            (.unavailable, "the CA's name does not resolve on the node", "check the node's DNS")
        case .unreachableCA:
            (.unavailable, "the CA cannot be reached or is in trouble", "check the node's way out")
        case .rateLimited:
            (.unavailable, "the CA's rate limit is reached", "wait; it is tried again by itself")
        case .rejectedName:
            (.invalid, "the CA will not issue for this name", "ask the CA, or use another domain")
        case .caa:
            (
                .unauthorized, "a CAA record forbids this CA",
                "allow it in the CAA record of \(domain)"
            )
        case .dns:
            (
                .failed, "the CA could not resolve the name",
                "check the A, AAAA and CAA records of \(domain)"
            )
        case .connection:
            (
                .failed, "the CA could not reach this node on port 80",
                "open port 80 and check where the A and AAAA records of \(domain) point"
            )
        case .unauthorized:
            (
                .failed, "the CA got a wrong answer on port 80",
                "check that the A and AAAA records of \(domain) lead to this node"
            )
        case .account:
            (.invalid, "the CA refused the account", "check `certificate.email` and the directory")
        case .other: (.failed, "certbot failed", "read \(Certbot().log) on the node")
        }
    }
}
