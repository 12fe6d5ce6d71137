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

    public init(
        domain: DomainName, email: String, directory: String, caPEM: String = "",
        trustPEM: String = ""
    ) {
        self.domain = domain
        self.email = email
        self.directory = directory
        self.caPEM = caPEM
        self.trustPEM = trustPEM
    }
}
