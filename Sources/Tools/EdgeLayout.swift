import Model

/// Where the edge's files, sockets and ports are on a node: one place, so that the steps and the
/// configuration cannot disagree.
public struct EdgeLayout: Sendable, Hashable {
    public var configFile = "/etc/haproxy/haproxy.cfg"
    /// Private to root: holds the bundle and the list of bundles.
    public var certificateFolder = "/etc/haproxy/certs"
    public var runtimeSocket = "/run/haproxy/admin.sock"
    /// Where HAProxy's master answers: `-S` of the packaged unit (Debian 12, Ubuntu 22.04, 24.04).
    public var masterSocket = "/run/haproxy-master.sock"
    public var httpPort: UInt16 = 80
    public var httpsPort: UInt16 = 443
    /// Where certbot's own server answers HTTP-01, on loopback.
    public var acmePort: UInt16 = 8402
    /// HAProxy's Prometheus metrics, on loopback.
    public var metricsPort: UInt16 = 8405
    public var certbotConfig = "/etc/letsencrypt"
    public var certbotWork = "/var/lib/letsencrypt"
    public var certbotLogs = "/var/log/letsencrypt"

    public init() {}

    /// Key and chain in one file, as HAProxy reads them. Byte for byte the path of the runtime API.
    ///
    /// RSA's is no `haproxy.pem.rsa`: HAProxy gives that suffix a meaning of its own.
    public func bundle(of type: KeyType) -> String {
        switch type {
        case .ecdsa: "\(certificateFolder)/haproxy.pem"
        case .rsa: "\(certificateFolder)/haproxy-rsa.pem"
        }
    }

    public var bundle: String { bundle(of: .ecdsa) }
    public var certificateList: String { "\(certificateFolder)/crt-list.txt" }

    /// The line of the list for a bundle of ours.
    public func listLine(of type: KeyType) -> String { "\(bundle(of: type)) [alpn h2,http/1.1]" }

    public var listLine: String { listLine(of: .ecdsa) }
}
