import FoundationEssentials

/// What anybody may know of one certificate: for tables, and to compare what several places hold.
public struct PublicCertificate: Codable, Hashable, Sendable {
    /// Lower-case hexadecimal.
    public let serial: String
    /// SHA-256 of its DER.
    public let fingerprint: Digest
    /// Nil for a kind that certbot does not make.
    public let keyType: KeyType?
    /// DNS names of the subject alternative name.
    public let names: [String]
    public let issuer: String
    public let notBefore: Date
    public let notAfter: Date

    public init(
        serial: String, fingerprint: Digest, keyType: KeyType?, names: [String], issuer: String,
        notBefore: Date, notAfter: Date
    ) {
        self.serial = serial
        self.fingerprint = fingerprint
        self.keyType = keyType
        self.names = names
        self.issuer = issuer
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}
