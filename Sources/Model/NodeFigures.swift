/// What a node's agent costs and its HAProxy does, looked at when it was asked: for metrics. What
/// cannot be told is nil.
public struct NodeFigures: Codable, Hashable, Sendable {
    /// The agent's.
    public let process: ProcessFigures?
    /// Nil also where no HAProxy is to be.
    public let haproxy: HAProxyFigures?
    /// Certificates that the agent allows itself to order now, by the step that orders.
    public let ordersLeft: [StepID: Int]

    public init(
        process: ProcessFigures?, haproxy: HAProxyFigures?, ordersLeft: [StepID: Int] = [:]
    ) {
        self.process = process
        self.haproxy = haproxy
        self.ordersLeft = ordersLeft
    }
}

/// What a process costs its machine.
public struct ProcessFigures: Codable, Hashable, Sendable {
    public let cpuSeconds: Double
    public let residentBytes: Int
    public let openFiles: Int

    public init(cpuSeconds: Double, residentBytes: Int, openFiles: Int) {
        self.cpuSeconds = cpuSeconds
        self.residentBytes = residentBytes
        self.openFiles = openFiles
    }
}

/// What HAProxy counts since it started (its management guide, "show info").
public struct HAProxyFigures: Codable, Hashable, Sendable {
    public let connections: Int
    public let connectionsMax: Int
    public let connectionsTotal: Int
    public let requestsTotal: Int

    public init(
        connections: Int, connectionsMax: Int, connectionsTotal: Int, requestsTotal: Int
    ) {
        self.connections = connections
        self.connectionsMax = connectionsMax
        self.connectionsTotal = connectionsTotal
        self.requestsTotal = requestsTotal
    }
}
