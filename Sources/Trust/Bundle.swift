import COpenSSL
import FoundationEssentials
import Model

/// `haproxy.pem`: the private key first, then the chain, as HAProxy loads it.
///
/// It is judged before it is written, with OpenSSL as HAProxy would and beyond: HAProxy takes an
/// expired certificate or one without its chain in silence.
public struct Bundle: Sendable {
    static let bytesMax = 256 << 10

    private let keyPEM: Secret
    private let chainPEM: String

    public init(keyPEM: Secret, fullchainPEM: String) {
        self.keyPEM = Secret(Self.unmarked(keyPEM.reveal()))
        chainPEM = Self.unmarked(fullchainPEM)
    }

    /// Without byte order marks: OpenSSL reads one at the start of a file, and not in the middle.
    private static func unmarked(_ text: String) -> String {
        guard text.utf8.contains(0xEF) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\u{FEFF}" }))
    }

    /// What is in a file of that form.
    public init(pem: String) {
        let start = pem.firstRange(of: "-----BEGIN CERTIFICATE-----")?.lowerBound ?? pem.endIndex
        self.init(keyPEM: Secret(String(pem[..<start])), fullchainPEM: String(pem[start...]))
    }

    /// The file's content: key first, no blank line (the Runtime API ends a payload at the first),
    /// a newline at the end.
    public var pem: Secret {
        let lines = Self.lines(of: keyPEM.reveal()) + Self.lines(of: chainPEM)
        return Secret(lines.map { "\($0)\n" }.joined())
    }

    /// Those that are not empty. By bytes: Swift's characters cost ten times as much.
    private static func lines(of text: String) -> [Substring] {
        text.utf8.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.map(Substring.init)
    }

    /// Says whether HAProxy may serve this for `domain` at `now`. `rootsPEM` empty means the
    /// system's roots. Whether it is newer than what is served, ``CertificateFacts`` says.
    ///
    /// Throws `invalid` with the first reason why not: blocks of another kind in it (HAProxy reads
    /// some of them), unreadable or encrypted key, key of another
    /// certificate, too weak to serve, wrong order, chain missing or not verifying, name not
    /// covered, not yet valid, expired.
    @discardableResult
    public func judge(
        domain: DomainName, rootsPEM: String, now: Date
    ) throws -> CertificateFacts {
        guard keyPEM.reveal().utf8.count + chainPEM.utf8.count <= Self.bytesMax else {
            throw refuse("it is larger than \(UInt64(Self.bytesMax).sizeText)")
        }
        try judgeBlocks()
        return try OpenSSL.withCertificates(of: chainPEM) { certificates in
            let wanted = chainPEM.ranges(of: "-----BEGIN CERTIFICATE-----").count
            guard wanted > 0 else { throw refuse("there is no certificate in it") }
            guard let leaf = certificates.first, certificates.count == wanted else {
                throw refuse("a certificate in it cannot be read")
            }
            if X509_check_ca(leaf) != 0, certificates.count > 1 {
                throw refuse("a CA certificate comes before the one for the domain")
            }
            try judgeKey(for: leaf)
            let facts = try CertificateFacts(der: OpenSSL.der(leaf))
            try judgeDates(facts, now: now)
            guard facts.covers(domain) else {
                let names = facts.names.joined(separator: ", ")
                throw refuse("it is for \(names.isEmpty ? "no name" : names), not for \(domain)")
            }
            if let reason = OpenSSL.distrust(
                leaf: leaf, intermediates: Array(certificates.dropFirst()), rootsPEM: rootsPEM,
                at: now)
            {
                throw refuse(
                    "its chain does not verify: \(reason)",
                    fix: "name the root of a private CA in `certificate.acme.trustFile`")
            }
            return facts
        }
    }

    /// RFC 7468 §2; `openssl ecparam` puts its parameters before the key.
    private func judgeBlocks() throws {
        let keys = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "EC PARAMETERS"]
        for (text, known) in [
            (keyPEM.reveal(), keys + ["ENCRYPTED PRIVATE KEY", "CERTIFICATE"]),
            (chainPEM, ["CERTIFICATE"]),
        ] {
            let begin = "-----BEGIN "
            for line in Self.lines(of: text) where line.hasPrefix(begin) {
                let label = line.dropFirst(begin.count).prefix { $0 != "-" }
                guard known.contains(String(label)) else {
                    throw refuse("there is a block of \(label.prefix(40)) in it")
                }
            }
        }
    }

    private func judgeKey(for leaf: OpaquePointer) throws {
        if keyPEM.reveal().contains("ENCRYPTED") {
            throw refuse("its private key is encrypted, and nobody is there to type a passphrase")
        }
        try OpenSSL.withKey(of: keyPEM.reveal()) { key in
            guard let key else { throw refuse("its private key cannot be read") }
            guard X509_check_private_key(leaf, key) == 1 else {
                throw refuse("its private key belongs to another certificate")
            }
            if let reason = OpenSSL.refusal(leaf: leaf, key: key) {
                throw refuse("a TLS server would not take it: \(reason)")
            }
        }
    }

    private func judgeDates(_ facts: CertificateFacts, now: Date) throws {
        guard facts.notBefore <= now else {
            throw refuse("it is valid only from \(facts.notBefore.formatted(.iso8601)) on")
        }
        guard now < facts.notAfter else {
            throw refuse("it expired at \(facts.notAfter.formatted(.iso8601))")
        }
    }

    private func refuse(_ reason: String, fix: String = "") -> Failure {
        Failure(.invalid, "judging the new certificate: \(reason)", fix: fix)
    }
}
