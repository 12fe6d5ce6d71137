import FoundationEssentials
import Model
import SwiftASN1
import X509

/// What matters of a certificate, read from it and nowhere else.
public struct CertificateFacts: Codable, Hashable, Sendable {
    /// Lower-case hexadecimal, as `openssl x509 -serial` prints it apart from case.
    public let serialHex: String
    /// SHA-256 of its DER.
    public let sha256: Digest
    public let notBefore: Date
    public let notAfter: Date
    /// DNS names of the subject alternative name; the common name is never looked at (RFC 6125).
    public let names: [String]
    public let issuer: String
    /// Key identifier of its authority in lower-case hexadecimal; nil if it does not say.
    public let authorityKeyHex: String?
    /// Who issued it: the issuer's organisation, for a CA has several intermediates; its whole name
    /// if it has none.
    public let authority: String
    /// Nil for a kind that certbot does not make.
    public let keyType: KeyType?

    /// The first certificate of `pem`. Throws `invalid` if there is none.
    public init(pem: String) throws {
        guard let end = pem.ranges(of: "-----END CERTIFICATE-----").first,
            let start = pem.ranges(of: "-----BEGIN CERTIFICATE-----").first,
            start.lowerBound < end.lowerBound,
            let document = try? PEMDocument(
                pemString: String(pem[start.lowerBound..<end.upperBound]))
        else { throw Failure(.invalid, "reading a certificate: there is none in PEM") }
        try self.init(der: document.derBytes)
    }

    /// Throws `invalid` if `der` is not a certificate.
    public init(der: [UInt8]) throws {
        guard let certificate = try? Certificate(derEncoded: der) else {
            throw Failure(.invalid, "reading a certificate: it is damaged")
        }
        serialHex = certificate.serialNumber.bytes.hexadecimal
        sha256 = Hash.sha256(der)
        notBefore = certificate.notValidBefore
        notAfter = certificate.notValidAfter
        issuer = "\(certificate.issuer)"
        let identifier = try? certificate.extensions.authorityKeyIdentifier
        authorityKeyHex = identifier?.keyIdentifier?.hexadecimal
        let organisation = certificate.issuer.lazy.flatMap { Array($0) }
            .first { $0.type == .RDNAttributeType.organizationName }
        authority = organisation.map { "\($0.value)" } ?? issuer
        keyType = Self.keyType(of: certificate.publicKey)
        let alternatives = try? certificate.extensions.subjectAlternativeNames
        names = (alternatives.map { Array($0) } ?? []).compactMap { name in
            if case .dnsName(let text) = name { text } else { nil }
        }
    }

    /// By its algorithm's identifier (RFC 3279 §2.3).
    private static func keyType(of key: Certificate.PublicKey) -> KeyType? {
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(key)) != nil,
            let info = try? DER.parse(serializer.serializedBytes),
            let algorithm = first(in: info).flatMap(first),
            let identifier = try? ASN1ObjectIdentifier(derEncoded: algorithm)
        else { return nil }
        return switch identifier {
        case ASN1ObjectIdentifier.AlgorithmIdentifier.idEcPublicKey: .ecdsa
        case ASN1ObjectIdentifier.AlgorithmIdentifier.rsaEncryption: .rsa
        default: nil
        }
    }

    private static func first(in node: ASN1Node) -> ASN1Node? {
        guard case .constructed(let parts) = node.content else { return nil }
        return parts.first { _ in true }
    }

    /// Whether a name is `domain`, or a wildcard for its leftmost label (RFC 6125 §6.4.3).
    public func covers(_ domain: DomainName) -> Bool {
        names.lazy.map { $0.lowercased() }.contains { name in
            if name == domain.rawValue { return true }
            guard name.hasPrefix("*."), let dot = domain.rawValue.firstIndex(of: ".") else {
                return false
            }
            return domain.rawValue[dot...] == name.dropFirst()
        }
    }

    /// Never of another CA's: each dates its certificates back as it likes.
    public func isOlder(than other: CertificateFacts) -> Bool {
        authority == other.authority && notBefore < other.notBefore
    }

    /// The part that anybody may know who asks the node.
    public var summary: PublicCertificate {
        PublicCertificate(
            serial: serialHex, fingerprint: sha256, keyType: keyType, names: names, issuer: issuer,
            notBefore: notBefore, notAfter: notAfter)
    }
}
