import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// What certbot has on disk for one name: key and chain of one generation.
///
/// Both are read from the archive by number and not through the links of `live/`, which certbot
/// moves one after the other.
struct Lineage: Sendable {
    let bundle: Bundle
    let facts: CertificateFacts
    /// The ACME directory that it came from; nil if certbot's renewal file does not say.
    let server: String?

    static let fileBytesMax = 256 << 10

    /// Nil if certbot never got one. Throws `unavailable` if the links are between two generations:
    /// certbot is at work, or was killed there and mends it in its next run.
    static func read(
        of domain: DomainName, _ type: KeyType, _ certbot: Certbot, _ files: any Files
    ) throws -> Lineage? {
        // certbot would refuse to go on with a broken one, and orders a new one without.
        let away = certbot.wayOut(of: domain, type)
        var found: [Int] = []
        for part in [Certbot.Part.key, .chain] {
            let link = certbot.live(part, of: domain, type)
            guard try files.info(link) != nil else { return nil }
            guard let number = certbot.generation(of: part, target: try files.linkTarget(link))
            else {
                throw Failure(
                    .conflict, "reading \(link): it does not lead to certbot's archive", fix: away)
            }
            found.append(number)
        }
        guard let number = found.first, found.allSatisfy({ $0 == number }) else {
            throw Failure(
                .unavailable,
                "reading certbot's files: key and chain are of two generations; certbot is at "
                    + "work, or was killed",
                fix: "wait: certbot mends it in its next run")
        }
        func text(_ part: Certbot.Part) throws -> String {
            let path = certbot.archived(part, of: domain, type, generation: number)
            guard let bytes = try files.readIfThere(path, bytesMax: fileBytesMax) else {
                throw Failure(
                    .conflict, "reading certbot's files: \(path) is missing", fix: away)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let chain = try text(.chain)
        return Lineage(
            bundle: Bundle(keyPEM: Secret(try text(.key)), fullchainPEM: chain),
            facts: try CertificateFacts(pem: chain),
            server: try files.text(certbot.renewalFile(of: domain, type))
                .flatMap(Certbot.server(inRenewalFile:)))
    }
}

extension CertificateFacts {
    /// One spelling, to compare with what HAProxy prints.
    var serial: String { HAProxyRuntime.serial(serialHex) }
}
