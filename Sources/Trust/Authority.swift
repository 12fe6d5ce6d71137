import Crypto
import FoundationEssentials
import Model
import SwiftASN1
import X509

/// The cluster's certificate authority: an encrypted root that nothing reads until rotation, and an
/// online intermediate that signs.
///
/// It builds every certificate itself: of a request only the public key is used, so no request can
/// ask for another name, role or lifetime.
public struct Authority: Sendable {
    static let agentLifetime = Duration.seconds(24 * 3600)
    static let coordinatorLifetime = Duration.seconds(90 * 86400)
    /// Clocks differ a little; a certificate is good from this long before it was made.
    static let clockSlack = Duration.seconds(300)
    static let requestBytesMax = 8 << 10

    /// What `jeeves init` writes down.
    public struct New: Sendable {
        public let rootPEM: String
        /// PKCS#8, encrypted with the passphrase (RFC 5958).
        public let rootKeyPEM: String
        public let intermediatePEM: String
        public let intermediateKeyPEM: Secret
    }

    public let rootPEM: String
    /// SHA-256 of the root's DER: what agents are told to trust.
    public let pin: Model.Digest
    private let intermediatePEM: String
    private let intermediate: Certificate
    private let key: Certificate.PrivateKey

    /// Makes a root for twenty years and an intermediate for five.
    public static func create(cluster: ClusterID, passphrase: Secret, now: Date) throws -> New {
        let rootKey = P256.Signing.PrivateKey()
        let root = try sign(
            rootName(cluster), key: .init(rootKey.publicKey), by: rootName(cluster),
            with: .init(rootKey), from: now, years: 20, depth: 1)
        let key = P256.Signing.PrivateKey()
        let intermediate = try sign(
            name("\(cluster) intermediate"), key: .init(key.publicKey), by: root.subject,
            with: .init(rootKey), from: now, years: 5, depth: 0)
        return New(
            rootPEM: try pem(root),
            rootKeyPEM: try EncryptedKey.pem(rootKey.derRepresentation, passphrase: passphrase),
            intermediatePEM: try pem(intermediate),
            intermediateKeyPEM: Secret(key.pemRepresentation + "\n"))
    }

    /// Whether `rootPEM` is a root that was made for this cluster. Throws `invalid` if it is none.
    public static func isRoot(_ rootPEM: String, of cluster: ClusterID) throws -> Bool {
        guard let root = try? Certificate(pemEncoded: rootPEM) else {
            throw Failure(
                .invalid, "reading the authority's root: it is damaged",
                fix: Failure.Fix.restore)
        }
        return try root.subject == rootName(cluster)
    }

    /// Throws `invalid` if the three do not belong together.
    public init(rootPEM: String, intermediatePEM: String, intermediateKeyPEM: Secret) throws {
        do {
            let root = try Certificate(pemEncoded: rootPEM)
            intermediate = try Certificate(pemEncoded: intermediatePEM)
            let key = try P256.Signing.PrivateKey(
                pemRepresentation: intermediateKeyPEM.reveal())
            guard intermediate.publicKey == .init(key.publicKey),
                root.publicKey.isValidSignature(intermediate.signature, for: intermediate)
            else { throw Failure(.invalid, "its certificates and its key do not belong together") }
            self.key = .init(key)
            pin = Hash.sha256(try Self.der(root))
        } catch {
            throw Failure(
                .invalid,
                "opening the certificate authority: "
                    + ((error as? Failure)?.message ?? "a certificate or the key is damaged"),
                fix: Failure.Fix.restore)
        }
        self.rootPEM = rootPEM
        self.intermediatePEM = intermediatePEM
    }

    /// A day's certificate for an agent: leaf, intermediate and root in PEM.
    /// Throws `invalid` if the request is not one for a P-256 key.
    public func issueAgent(
        csrPEM: String, node: NodeName, cluster: ClusterID, now: Date
    ) throws -> String {
        try issue(
            csrPEM, identity: .agent(cluster, node), usage: .clientAuth,
            lifetime: Self.agentLifetime, now: now)
    }

    /// The coordinator's server certificate: leaf, intermediate and root in PEM.
    public func issueCoordinator(csrPEM: String, cluster: ClusterID, now: Date) throws -> String {
        try issue(
            csrPEM, identity: .coordinator(cluster), usage: .serverAuth,
            lifetime: Self.coordinatorLifetime, now: now)
    }

    private func issue(
        _ csrPEM: String, identity: Identity, usage: ExtendedKeyUsage.Usage, lifetime: Duration,
        now: Date
    ) throws -> String {
        let publicKey = try Self.publicKey(ofCSR: csrPEM)
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-Self.clockSlack.seconds),
            notValidAfter: now.addingTimeInterval(lifetime.seconds), issuer: intermediate.subject,
            subject: Self.name(identity.uri), signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage])
                SubjectAlternativeNames([.uniformResourceIdentifier(identity.uri)])
                Self.issuerID(intermediate.publicKey)
            }, issuerPrivateKey: key)
        return try Self.pem(leaf) + intermediatePEM + rootPEM
    }

    /// The key of a request whose signature proves that its sender has the private half.
    static func publicKey(ofCSR csrPEM: String) throws -> Certificate.PublicKey {
        guard csrPEM.utf8.count <= requestBytesMax,
            let request = try? CertificateSigningRequest(pemEncoded: csrPEM),
            request.publicKey.isValidSignature(request.signature, for: request),
            P256.Signing.PublicKey(request.publicKey) != nil
        else {
            throw Failure(.invalid, "reading a certificate request: it is not one for a P-256 key")
        }
        return request.publicKey
    }

    private static func sign(
        _ subject: DistinguishedName, key: Certificate.PublicKey, by issuer: DistinguishedName,
        with signer: Certificate.PrivateKey, from now: Date, years: Double, depth: Int
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key,
            notValidBefore: now.addingTimeInterval(-clockSlack.seconds),
            notValidAfter: now.addingTimeInterval(years * 365.25 * 86400), issuer: issuer,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: depth))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key)
                issuerID(signer.publicKey)
            }, issuerPrivateKey: signer)
    }

    /// Which key signed: asked for of every authority (RFC 5280 §4.2.1.1), so that a chain is found
    /// also while an old and a new authority of one name exist.
    private static func issuerID(_ key: Certificate.PublicKey) -> AuthorityKeyIdentifier {
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: key).keyIdentifier)
    }

    private static func rootName(_ cluster: ClusterID) throws -> DistinguishedName {
        try name("\(cluster) root")
    }

    private static func name(_ text: String) throws -> DistinguishedName {
        try DistinguishedName { CommonName(text) }
    }

    static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    static func pem(_ certificate: Certificate) throws -> String {
        try certificate.serializeAsPEM().pemString + "\n"
    }
}
