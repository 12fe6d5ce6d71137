import Model

/// Where the edge's files, sockets and ports are on a node: one place, so that the steps and the
/// configuration cannot disagree.
public struct EdgeLayout: Sendable, Hashable {
    public var configFile = "/etc/haproxy/haproxy.cfg"
    /// Private to root: holds the bundle and the list of bundles.
    public var certificateFolder = "/etc/haproxy/certs"
    public var runtimeSocket = "/run/haproxy/admin.sock"
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
    public var bundle: String { "\(certificateFolder)/haproxy.pem" }
    public var certificateList: String { "\(certificateFolder)/crt-list.txt" }

    /// The line of the list for our bundle.
    public var listLine: String { "\(bundle) [alpn h2,http/1.1]" }
}
