import Model
import Outside

/// Command lines for certbot, which issues and renews the edge's certificate. It runs nothing
/// itself.
///
/// Exit code 0 does not mean that there is a new certificate: compare the files.
public struct Certbot: Sendable, Hashable {
    public let layout: EdgeLayout

    public init(layout: EdgeLayout = EdgeLayout()) { self.layout = layout }

    public static func version() -> Command { Command("certbot", ["--version"]) }

    /// Issues or renews the certificate of one name over HTTP-01, answered on loopback behind
    /// HAProxy's port 80. `caFile` holds the roots for the ACME server's own TLS; nil means the
    /// system's. `forcing` orders even if certbot thinks it too early.
    ///
    /// The flags are certbot 1.21's (Ubuntu 22.04) and later. Each run gets a log of its own
    /// (`--max-log-backups` above Debian's 0), so that its log is about this run alone.
    public func issue(_ spec: CertificateSpec, caFile: String?, forcing: Bool) -> Command {
        order(
            spec, at: spec.directory, caFile: caFile,
            forcing ? "--force-renewal" : "--keep-until-expiring")
    }

    /// Does the same at a CA for tests and keeps nothing of it: `--dry-run`. Of Let's Encrypt
    /// certbot takes the staging environment then, whichever of the two is named.
    public func rehearse(
        _ spec: CertificateSpec, at directory: String, caFile: String?
    ) -> Command {
        order(spec, at: directory, caFile: caFile, "--dry-run")
    }

    private func order(
        _ spec: CertificateSpec, at directory: String, caFile: String?, _ manner: String
    ) -> Command {
        var environment = Command.environmentBase
        environment["REQUESTS_CA_BUNDLE"] = caFile
        let key =
            switch spec.keyType {
            case .ecdsa: ["ecdsa"]
            case .rsa: ["rsa", "--rsa-key-size", "2048"]
            }
        return Command(
            "certbot",
            [
                "certonly", "-n", "--agree-tos", "--email", spec.email, "--no-eff-email",
                "--server", directory,
                "--config-dir", layout.certbotConfig, "--work-dir", layout.certbotWork,
                "--logs-dir", layout.certbotLogs, "--max-log-backups", "10", manner,
                "--standalone", "--preferred-challenges", "http-01",
                "--http-01-port", "\(layout.acmePort)", "--http-01-address", "127.0.0.1",
                "--key-type",
            ] + key + [
                "--cert-name", lineage(of: spec.domain, spec.keyType), "--domain=\(spec.domain)",
            ], environment: environment)
    }

    /// certbot's own name for one of the domain's certificates.
    public func lineage(of domain: DomainName, _ type: KeyType) -> String {
        switch type {
        case .ecdsa: domain.rawValue
        case .rsa: "\(domain)-rsa"
        }
    }

    /// Log of the last run.
    public var log: String { "\(layout.certbotLogs)/letsencrypt.log" }

    /// One of the two files that HAProxy needs.
    public enum Part: String, Sendable { case key = "privkey", chain = "fullchain" }

    /// The link that certbot points at the current generation.
    public func live(_ part: Part, of domain: DomainName, _ type: KeyType = .ecdsa) -> String {
        "\(layout.certbotConfig)/live/\(lineage(of: domain, type))/\(part.rawValue).pem"
    }

    /// One generation's file.
    public func archived(
        _ part: Part, of domain: DomainName, _ type: KeyType = .ecdsa, generation: Int
    ) -> String {
        let folder = "\(layout.certbotConfig)/archive/\(lineage(of: domain, type))"
        return "\(folder)/\(part.rawValue)\(generation).pem"
    }

    /// The generation that a live link's target names: `../../archive/NAME/privkey3.pem` is 3.
    /// Nil if it is no such target.
    public func generation(of part: Part, target: String) -> Int? {
        guard let name = target.split(separator: "/").last, name.hasPrefix(part.rawValue),
            name.hasSuffix(".pem")
        else { return nil }
        return Int(name.dropFirst(part.rawValue.count).dropLast(".pem".count))
    }

    /// How a person lets certbot begin anew with a lineage that it cannot go on with.
    public func wayOut(of domain: DomainName, _ type: KeyType) -> String {
        let name = lineage(of: domain, type)
        return "move live/\(name), archive/\(name) and renewal/\(name).conf out of "
            + "\(layout.certbotConfig) on the node"
    }

    /// What certbot remembers of a certificate.
    public func renewalFile(of domain: DomainName, _ type: KeyType = .ecdsa) -> String {
        "\(layout.certbotConfig)/renewal/\(lineage(of: domain, type)).conf"
    }

    /// Where certbot keeps its accounts at one CA, a folder each.
    public func accounts(at directory: String) -> String {
        let place = directory.split(separator: "://", maxSplits: 1).last ?? ""
        return "\(layout.certbotConfig)/accounts/\(place)"
    }

    /// The name that the CA gave an account (RFC 8555 §7.3), from the `regr.json` in its folder.
    /// Throws `invalid` if it is none.
    public static func account(inRegistration bytes: [UInt8]) throws -> String {
        struct Registration: Decodable { var uri: String }
        return try JSON.decode(Registration.self, from: bytes, what: "certbot's account").uri
    }

    /// The ACME directory that a renewal file says the certificate came from.
    public static func server(inRenewalFile text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0].filter({ $0 != " " }) == "server" {
                return String(parts[1].drop { $0 == " " })
            }
        }
        return nil
    }
}
