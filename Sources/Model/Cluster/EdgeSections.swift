/// `certificate`: who issues the public certificate.
public struct CertificateSection: Section {
    public struct ACME: Section {
        /// URL of the ACME directory; empty means Let's Encrypt.
        public var directory: String
        /// PEM file of the CA behind the ACME server's own TLS certificate; empty means the
        /// system's roots. For a private CA.
        public var caFile: String
        /// PEM file of the roots that issued certificates chain to; empty means the system's roots.
        public var trustFile: String
        /// Let's Encrypt's staging environment: untrusted certificates, generous limits.
        public var staging: Bool

        public enum CodingKeys: String, CodingKey, CaseIterable {
            case directory, caFile, trustFile, staging
        }

        public init() { (directory, caFile, trustFile, staging) = ("", "", "", false) }

        public init(from decoder: any Decoder) throws {
            let file = try decoder.container(keyedBy: CodingKeys.self)
            directory = try file.decode(.directory, or: "")
            caFile = try file.decode(.caFile, or: "")
            trustFile = try file.decode(.trustFile, or: "")
            staging = try file.decode(.staging, or: false)
        }

        /// The directory that is really used.
        public var directoryURL: String {
            if !directory.isEmpty { return directory }
            return staging ? LetsEncrypt.staging : LetsEncrypt.production
        }
    }

    /// Address of the ACME account.
    public var email: String
    /// One certificate for each.
    public var keyTypes: [KeyType]
    public var acme: ACME

    public enum CodingKeys: String, CodingKey, CaseIterable { case email, keyTypes, acme }
    public static let sections: [CodingKeys: any Section.Type] = [.acme: ACME.self]

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        email = try file.decode(String.self, forKey: .email)
        keyTypes = try file.decode(.keyTypes, or: [.ecdsa])
        acme = try file.decode(.acme, or: ACME())
    }
}

/// `edge`: HAProxy's limits.
public struct EdgeSection: Section {
    public var requestsPerTenSecondsMax: Int
    public var connectionsPerSourceMax: Int
    public var connectionsMax: Int
    /// How long connections may outlive a reload.
    public var drainSeconds: Int

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case requestsPerTenSecondsMax, connectionsPerSourceMax, connectionsMax, drainSeconds
    }

    public init() {
        (requestsPerTenSecondsMax, connectionsPerSourceMax, connectionsMax) = (600, 400, 4000)
        drainSeconds = 900
    }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        requestsPerTenSecondsMax = try file.decode(.requestsPerTenSecondsMax, or: 600)
        connectionsPerSourceMax = try file.decode(.connectionsPerSourceMax, or: 400)
        connectionsMax = try file.decode(.connectionsMax, or: 4000)
        drainSeconds = try file.decode(.drainSeconds, or: 900)
    }
}
