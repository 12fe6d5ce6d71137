import Model

/// Where a plain connection goes.
public enum Endpoint: Sendable, Hashable {
    case tcp(host: String, port: UInt16)
    case unix(path: String)
}

/// One HTTP/1.1 request over a plain connection: snapd's socket and instance metadata.
public struct HTTPRequest: Sendable, Hashable {
    public var method: String
    public var endpoint: Endpoint
    /// Path and query, as sent.
    public var target: String
    public var headers: [String: String]
    public var body: [UInt8]

    public init(
        _ method: String, _ endpoint: Endpoint, _ target: String, headers: [String: String] = [:],
        body: [UInt8] = []
    ) {
        self.method = method
        self.endpoint = endpoint
        self.target = target
        self.headers = headers
        self.body = body
    }
}

public struct HTTPResponse: Sendable, Hashable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Talks to plain sockets. TLS has its own doors: ``Wire`` for the link, ``Trust`` for the probe.
public protocol Network: Sendable {
    /// Throws `unavailable` if the connection fails, `timeout` after `deadline`, `invalid` if the
    /// answer is larger than `bytesMax`. Any HTTP status is a value.
    func http(
        _ request: HTTPRequest, deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> HTTPResponse

    /// Connects, writes `bytes`, and reads until the peer closes: HAProxy's Runtime API.
    /// Throws as `http` does.
    func exchange(
        _ endpoint: Endpoint, sending bytes: [UInt8], deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> [UInt8]

    /// Addresses that `host` resolves to through the system's resolver. Throws `notFound` if it has
    /// none.
    func resolve(_ host: String, deadline: Duration, op: Op) async throws -> [String]
}
