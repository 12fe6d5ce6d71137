import Crypto
import Foundation
import Model
import Support
import SwiftASN1
import X509

/// The keys of a certificate authority, and certificates below them as public CAs make them: no
/// subject, and the name in the subject alternative name.
///
/// The agent takes a certificate's hash for chance, so all of it comes from the seed: the keys, and
/// signatures of Ed25519, which has no chance of its own as ECDSA has.
struct Mint: Sendable {
    let rootPEM: String
    private let intermediatePEM: String
    private let issuer: DistinguishedName
    private let key: Curve25519.Signing.PrivateKey
    private let keyID: SubjectKeyIdentifier

    /// Valid for long before and after `date`.
    init(_ name: String, around date: Date, _ chance: SeededChance) throws {
        let rootKey = try Curve25519.Signing.PrivateKey(
            rawRepresentation: chance.bytes(32))
        let root = try DistinguishedName { CommonName("\(name) Root") }
        key = try Curve25519.Signing.PrivateKey(
            rawRepresentation: chance.bytes(32))
        issuer = try DistinguishedName { CommonName("\(name) Intermediate") }
        let keyID = SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
        self.keyID = keyID
        func authority(
            _ subject: DistinguishedName, _ publicKey: Curve25519.Signing.PublicKey,
            _ id: SubjectKeyIdentifier
        ) throws -> String {
            try Certificate(
                version: .v3, serialNumber: .init(bytes: chance.bytes(8)),
                publicKey: .init(publicKey),
                notValidBefore: date - .days(3650), notValidAfter: date + .days(3650),
                issuer: root, subject: subject, signatureAlgorithm: .ed25519,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    id
                }, issuerPrivateKey: .init(rootKey)
            ).serializeAsPEM().pemString + "\n"
        }
        let rootID = SubjectKeyIdentifier(hash: Certificate.PublicKey(rootKey.publicKey))
        rootPEM = try authority(root, rootKey.publicKey, rootID)
        intermediatePEM = try authority(issuer, key.publicKey, keyID)
    }

    /// The chain that certbot would write to `fullchain.pem`.
    func chain(
        for domain: DomainName, _ publicKey: P256.Signing.PublicKey, serial: UInt64,
        _ validity: Range<Date>
    ) throws -> String {
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(serial), publicKey: .init(publicKey),
            notValidBefore: validity.lowerBound, notValidAfter: validity.upperBound,
            issuer: issuer, subject: try DistinguishedName {}, signatureAlgorithm: .ed25519,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth])
                AuthorityKeyIdentifier(keyIdentifier: keyID.keyIdentifier)
                SubjectAlternativeNames([.dnsName(domain.rawValue)])
            }, issuerPrivateKey: .init(key))
        return try leaf.serializeAsPEM().pemString + "\n" + intermediatePEM
    }
}
