import Crypto
import Foundation
import Model
import SwiftASN1
import X509

@testable import Trust

/// An authority as `jeeves init` makes it: once, because encrypting its root key takes its time.
enum Founded {
    static let passphrase = Secret("correct horse battery staple")
    static let authority = Result {
        try Authority.create(cluster: Forge.cluster, passphrase: passphrase, now: Forge.start)
    }
}

/// A certificate authority that signs anything, for what the product's own would never make.
struct Forge {
    static let start = Date(timeIntervalSince1970: 1_795_500_000)
    static let cluster = ClusterID(unchecked: "prod")
    static let node = NodeName(unchecked: "controller-1")

    /// What goes into a certificate; the defaults are those of a good agent.
    struct Wish {
        var subject = "forged"
        var names: [GeneralName] = [
            .uniformResourceIdentifier(Identity.agent(Forge.cluster, Forge.node).uri)
        ]
        var usages: [ExtendedKeyUsage.Usage] = [.clientAuth]
        var from = Forge.start.addingTimeInterval(-300)
        var until = Forge.start.addingTimeInterval(86400)
        var isAuthority = false
    }

    let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// A root of its own name.
    init(root subject: String) throws {
        key = P256.Signing.PrivateKey()
        let wish = Wish(
            subject: subject, names: [], usages: [],
            until: Forge.start.addingTimeInterval(20 * 365 * 86400), isAuthority: true)
        certificate = try Self.make(wish, for: key, issuer: Self.name(subject), signedBy: key)
    }

    /// An intermediate below a root of its own, both called as the product would call them.
    static func foreign(_ cluster: String) throws -> (intermediate: Forge, root: Forge) {
        let root = try Forge(root: "\(cluster) root")
        let wish = Wish(subject: "\(cluster) intermediate", isAuthority: true)
        return (try root.sign(wish), root)
    }

    /// The product's intermediate, with its key.
    init(_ authority: Authority.New) throws {
        certificate = try Certificate(pemEncoded: authority.intermediatePEM)
        key = try P256.Signing.PrivateKey(
            pemRepresentation: authority.intermediateKeyPEM.reveal())
    }

    private init(_ certificate: Certificate, _ key: P256.Signing.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    /// Signs whatever is wished for, also if this is no authority at all.
    func sign(_ wish: Wish = Wish()) throws -> Forge {
        let own = P256.Signing.PrivateKey()
        return Forge(
            try Self.make(
                wish, for: own, issuer: certificate.subject, signedBy: key), own)
    }

    var der: [UInt8] { get throws { try Authority.der(certificate) } }
    var pem: String { get throws { try Authority.pem(certificate) } }
    var keyPEM: Secret { Secret(key.pemRepresentation + "\n") }

    private static func make(
        _ wish: Wish, for own: P256.Signing.PrivateKey, issuer: DistinguishedName,
        signedBy signer: P256.Signing.PrivateKey
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey),
            notValidBefore: wish.from, notValidAfter: wish.until, issuer: issuer,
            subject: name(wish.subject), signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                if wish.isAuthority {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                if !wish.usages.isEmpty { try ExtendedKeyUsage(wish.usages) }
                if !wish.names.isEmpty { SubjectAlternativeNames(wish.names) }
            }, issuerPrivateKey: .init(signer))
    }

    private static func name(_ text: String) throws -> DistinguishedName {
        try DistinguishedName { CommonName(text) }
    }
}

/// Certificates of a PEM text as DER, in its order.
func ders(of pem: String) throws -> [[UInt8]] {
    try PEMDocument.parseMultiple(pemString: pem).map(\.derBytes)
}
