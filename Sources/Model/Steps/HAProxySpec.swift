/// The edge: HAProxy ends TLS for `domain` and hands requests to Traefik's NodePort.
public struct HAProxySpec: Codable, Hashable, Sendable {
    public let domain: DomainName
    /// Port of Traefik's `web` entry point on this node.
    public let backendPort: UInt16
    /// Requests from one source address within ten seconds before it is answered 429.
    public let requestsPerTenSecondsMax: Int
    /// Connections open at once from one source address before it is answered 429.
    public let connectionsPerSourceMax: Int
    /// HAProxy's `maxconn`.
    public let connectionsMax: Int
    /// How long after a reload the old worker may go on serving what was open then.
    public let drain: Duration

    public static let drain = Duration.seconds(900)

    public init(
        domain: DomainName, backendPort: UInt16 = 30080, requestsPerTenSecondsMax: Int = 600,
        connectionsPerSourceMax: Int = 400, connectionsMax: Int = 4000,
        drain: Duration = HAProxySpec.drain
    ) {
        self.domain = domain
        self.backendPort = backendPort
        self.requestsPerTenSecondsMax = requestsPerTenSecondsMax
        self.connectionsPerSourceMax = connectionsPerSourceMax
        self.connectionsMax = connectionsMax
        self.drain = drain
    }

    /// A spec from before `drain` has the length of then.
    public init(from decoder: any Decoder) throws {
        let spec = try decoder.container(keyedBy: CodingKeys.self)
        domain = try spec.decode(DomainName.self, forKey: .domain)
        backendPort = try spec.decode(UInt16.self, forKey: .backendPort)
        requestsPerTenSecondsMax = try spec.decode(Int.self, forKey: .requestsPerTenSecondsMax)
        connectionsPerSourceMax = try spec.decode(Int.self, forKey: .connectionsPerSourceMax)
        connectionsMax = try spec.decode(Int.self, forKey: .connectionsMax)
        drain = try spec.decode(.drain, or: HAProxySpec.drain)
    }
}
