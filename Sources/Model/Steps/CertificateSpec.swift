/// A public certificate of the edge: issued and renewed by certbot, served by HAProxy.
public struct CertificateSpec: Codable, Hashable, Sendable {
    public let domain: DomainName
    /// Where the CA writes about expiring certificates and account trouble.
    public let email: String
    /// The ACME directory's URL (RFC 8555 §7.1.1).
    public let directory: String
    /// PEM of the CA that the ACME server's own TLS certificate chains to; empty means the system's
    /// roots.
    public let caPEM: String
    /// Roots that the issued certificate must chain to; empty means the system's roots.
    public let trustPEM: String
    /// Another ACME directory, for tests, where an order is rehearsed after one that failed; nil
    /// means Let's Encrypt's staging environment for Let's Encrypt, and none for others.
    public let rehearsal: String?
    /// This certificate's. It has a lineage of certbot's and a bundle of its own.
    public let keyType: KeyType
    /// All that the domain is served with: a certificate of a type that is not among them goes.
    public let keyTypes: [KeyType]

    public init(
        domain: DomainName, email: String, directory: String, caPEM: String = "",
        trustPEM: String = "", rehearsal: String? = nil, keyType: KeyType = .ecdsa,
        keyTypes: [KeyType] = [.ecdsa]
    ) {
        self.domain = domain
        self.email = email
        self.directory = directory
        self.caPEM = caPEM
        self.trustPEM = trustPEM
        self.rehearsal = rehearsal
        self.keyType = keyType
        self.keyTypes = keyTypes
    }

    /// A spec from before there were types is ECDSA's.
    public init(from decoder: any Decoder) throws {
        let spec = try decoder.container(keyedBy: CodingKeys.self)
        domain = try spec.decode(DomainName.self, forKey: .domain)
        email = try spec.decode(String.self, forKey: .email)
        directory = try spec.decode(String.self, forKey: .directory)
        caPEM = try spec.decode(String.self, forKey: .caPEM)
        trustPEM = try spec.decode(String.self, forKey: .trustPEM)
        rehearsal = try spec.decodeIfPresent(String.self, forKey: .rehearsal)
        keyType = try spec.decode(.keyType, or: .ecdsa)
        keyTypes = try spec.decode(.keyTypes, or: [.ecdsa])
    }
}
