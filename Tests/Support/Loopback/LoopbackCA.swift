import Crypto
import FoundationEssentials
import Model
import Outside
import SwiftASN1
import X509

/// A certificate authority of a test: for servers on loopback, and for certificates whose dates
/// matter.
public struct LoopbackCA: Sendable {
    /// A certificate and its key, as a server needs them.
    public struct Credentials: Sendable {
        public let certificatePEM: String
        public let keyPEM: Secret
    }

    public static let lifetime = Duration.seconds(2 * 86_400)

    public let rootPEM: String
    private let name: DistinguishedName
    private let key = P256.Signing.PrivateKey()
    private let from: Date

    /// What it issues is valid from an hour before `now` on.
    public init(now: Date) throws {
        from = now.addingTimeInterval(-3600)
        name = try DistinguishedName { CommonName("Loopback CA") }
        let root = try Self.make(
            for: key, as: name, by: name, signing: key, from: from,
            lifetime: Self.lifetime,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            })
        rootPEM = try root.serializeAsPEM().pemString + "\n"
    }

    /// For DNS names and IPv4 addresses. It begins when the authority does.
    public func issue(
        names: [String] = [], addresses: [String] = [], lifetime: Duration = Self.lifetime
    ) throws -> Credentials {
        let own = P256.Signing.PrivateKey()
        let addresses = addresses.map { address in
            let bytes = address.split(separator: ".").compactMap { UInt8($0) }
            return ASN1OctetString(contentBytes: bytes[...])
        }
        let all = names.map { GeneralName.dnsName($0) } + addresses.map { .ipAddress($0) }
        let certificate = try Self.make(
            for: own, as: DistinguishedName { CommonName("server") }, by: name, signing: key,
            from: from, lifetime: lifetime,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(all)
            })
        return Credentials(
            certificatePEM: try certificate.serializeAsPEM().pemString + "\n",
            keyPEM: Secret(own.pemRepresentation + "\n"))
    }

    private static func make(
        for own: P256.Signing.PrivateKey, as subject: DistinguishedName,
        by issuer: DistinguishedName, signing key: P256.Signing.PrivateKey, from: Date,
        lifetime: Duration, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey),
            notValidBefore: from, notValidAfter: from.addingTimeInterval(lifetime.seconds),
            issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions, issuerPrivateKey: .init(key))
    }
}
