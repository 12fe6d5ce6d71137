import Model
import Outside

/// Why certbot got no certificate, told from its output and its log: certbot's exit code is 1 for
/// everything, and certbot 2.1 hides some answers of the CA behind errors of its own.
public struct CertbotTrouble: Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        case busy, diskFull, diskReadOnly, portTaken, brokenFolder
        case untrustedCA, unresolvableCA, unreachableCA
        case rateLimited, rejectedName, caa, dns, connection, unauthorized
        case account, externalAccount, other
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
        retryAfter = Self.field("Retry-After", in: log).flatMap {
            HTTPDate.delay($0, after: Self.field("Date", in: log))
        }.map { min($0, .seconds(7 * 86_400)) }
    }

    private init(kind: Kind, detail: String, retryAfter: Duration?) {
        (self.kind, self.detail, self.retryAfter) = (kind, detail, retryAfter)
    }

    /// What each kind looks like, the most certain first: a log that holds the CA's own problem
    /// type (RFC 8555 §6.7) may end in an unrelated Python error.
    private static let signs: [(kind: Kind, words: [String])] = [
        (.busy, ["Another instance of Certbot is already running"]),
        (.diskFull, ["No space left on device", "[Errno 28]"]),
        (.diskReadOnly, ["Read-only file system", "[Errno 30]"]),
        (.portTaken, ["Could not bind TCP port"]),
        (.brokenFolder, ["live directory exists", "archive directory exists", "parse failure"]),
        (.rateLimited, ["acme:error:rateLimited"]),
        (.rejectedName, ["acme:error:rejectedIdentifier", "acme:error:unsupportedIdentifier"]),
        (.caa, ["acme:error:caa"]),
        (.externalAccount, ["acme:error:externalAccountRequired"]),
        (.account, accountTypes),
        (.dns, ["acme:error:dns", "Type:   dns"]),
        (.connection, ["acme:error:connection", "Type:   connection", "acme:error:tls"]),
        (
            .unauthorized,
            [
                "acme:error:unauthorized", "Type:   unauthorized", "acme:error:incorrectResponse",
                "Type:   incorrectResponse",
            ]
        ),
        (.untrustedCA, ["CERTIFICATE_VERIFY_FAILED"]),
        (.unresolvableCA, ["Name or service not known", "Temporary failure in name resolution"]),
        (
            .unreachableCA,
            [
                "Connection refused", "ConnectionError", "ReadTimeout", "ConnectTimeout",
                "Network is unreachable", "acme:error:serverInternal", "acme:error:badNonce",
                "<Response [5",
            ]
        ),
    ]

    private static let accountTypes = [
        "acme:error:accountDoesNotExist", "acme:error:invalidContact",
        "acme:error:unsupportedContact", "acme:error:userActionRequired",
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
        case .untrustedCA, .unresolvableCA, .unreachableCA, .rateLimited, .account,
            .externalAccount, .other:
            true
        case .busy, .diskFull, .diskReadOnly, .portTaken, .brokenFolder, .rejectedName, .caa, .dns,
            .connection, .unauthorized:
            false
        }
    }

    /// Of trouble of that kind that somebody else than certbot met.
    public static func fix(_ kind: Kind, for spec: CertificateSpec) -> String {
        CertbotTrouble(kind: kind, detail: "", retryAfter: nil).fix(for: spec)
    }

    /// As a failure for people: what was tried, what happened, what to do.
    public func failure(for spec: CertificateSpec) -> Failure {
        let (code, what) = verdict
        let said = detail.isEmpty || kind == .busy ? "" : " (\(detail))"
        return Failure(
            code, "asking \(spec.directory) for a certificate for \(spec.domain): \(what)\(said)",
            fix: fix(for: spec))
    }

    private var verdict: (Failure.Code, String) {
        switch kind {
        case .busy: (.unavailable, "another certbot is at work")
        case .diskFull: (.failed, "the disk is full")
        case .diskReadOnly: (.failed, "a disk takes no writes")
        case .portTaken: (.conflict, "another program has certbot's port")
        case .brokenFolder: (.conflict, "certbot's own folder is not as it left it")
        case .untrustedCA: (.unauthorized, "the node does not trust the CA's own certificate")
        case .unresolvableCA: (.unavailable, "the CA's name does not resolve on the node")
        case .unreachableCA: (.unavailable, "the CA cannot be reached or is in trouble")
        case .rateLimited: (.unavailable, "the CA's rate limit is reached")
        case .rejectedName: (.invalid, "the CA will not issue for this name")
        case .caa: (.unauthorized, "a CAA record forbids this CA")
        case .dns: (.failed, "the CA could not resolve the name")
        case .connection: (.failed, "the CA could not reach this node on port 80")
        case .unauthorized: (.failed, "the CA got a wrong answer on port 80")
        case .account: (.invalid, "the CA refused the account")
        case .externalAccount: (.unsupported, "the CA wants an account that it made beforehand")
        case .other: (.failed, "certbot failed")
        }
    }

    private func fix(for spec: CertificateSpec) -> String {
        let certbot = Certbot()
        return switch kind {
        case .busy: "wait, it is tried again by itself; if that one stays, see `pgrep -a certbot`"
        case .diskFull: "free space on the node, see `df -h`"
        case .diskReadOnly: "see in `dmesg` on the node why it is read-only, see `findmnt`"
        case .portTaken:
            "stop it; `ss -ltnp sport = :\(certbot.layout.acmePort)` on the node says who it is"
        case .brokenFolder: certbot.wayOut(of: spec.domain, spec.keyType)
        case .untrustedCA:
            "name its root in `certificate.acme.caFile`, and check the node's clock: `timedatectl`"
        case .unresolvableCA:
            "check the node's DNS: `getent hosts "
                + "\((try? HTTPSAddress(spec.directory).host) ?? spec.directory)`"
        case .unreachableCA: "check the node's way out: `curl -I \(spec.directory)`"
        case .rateLimited: "wait; it is tried again by itself"
        case .rejectedName: "ask the CA, or use another domain"
        case .caa:
            "allow it in what `dig CAA \(spec.domain)` shows, or in the record of a name above"
        case .dns: "check the A, AAAA and CAA records of \(spec.domain)"
        case .connection:
            "open port 80 and check where the A and AAAA records of \(spec.domain) point"
        case .unauthorized:
            "check that the A and AAAA records of \(spec.domain) lead to this node"
        case .account:
            "check `certificate.email` and `certificate.acme.directory`, and do what the CA says"
        case .externalAccount:
            "name a CA in `certificate.acme.directory` that takes new accounts"
        case .other: "read \(certbot.log) on the node, or `jeeves logs NODE --source certbot`"
        }
    }
}
