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

    public init(
        domain: DomainName, backendPort: UInt16 = 30080, requestsPerTenSecondsMax: Int = 600,
        connectionsPerSourceMax: Int = 400, connectionsMax: Int = 4000
    ) {
        self.domain = domain
        self.backendPort = backendPort
        self.requestsPerTenSecondsMax = requestsPerTenSecondsMax
        self.connectionsPerSourceMax = connectionsPerSourceMax
        self.connectionsMax = connectionsMax
    }
}
