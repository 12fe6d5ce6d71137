/// The public certificate of the edge: issued and renewed by certbot, served by HAProxy.
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

    public init(
        domain: DomainName, email: String, directory: String, caPEM: String = "",
        trustPEM: String = "", rehearsal: String? = nil
    ) {
        self.domain = domain
        self.email = email
        self.directory = directory
        self.caPEM = caPEM
        self.trustPEM = trustPEM
        self.rehearsal = rehearsal
    }
}
