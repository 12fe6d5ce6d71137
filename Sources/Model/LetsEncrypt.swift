/// The public authority whose limits and staging environment we know
/// (https://letsencrypt.org/docs/staging-environment/).
public enum LetsEncrypt {
    public static let production = "https://acme-v02.api.letsencrypt.org/directory"
    public static let staging = "https://acme-staging-v02.api.letsencrypt.org/directory"

    public static func isProduction(_ directory: String) -> Bool {
        directory.lowercased().hasPrefix("https://acme-v02.api.letsencrypt.org/")
    }
}

extension CertificateSpec {
    /// Where an order is rehearsed; nil if nowhere.
    public var rehearsalDirectory: String? {
        rehearsal ?? (LetsEncrypt.isProduction(directory) ? LetsEncrypt.staging : nil)
    }
}
