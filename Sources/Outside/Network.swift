import Model

/// Where a connection goes.
public enum Endpoint: Sendable, Hashable {
    case tcp(host: String, port: UInt16)
    case unix(path: String)
    /// TLS to a server of the world. Its certificate must chain to `rootsPEM`, or to the system's
    /// roots if that is empty, and be for `host`, a name or an address.
    case tls(host: String, port: UInt16, rootsPEM: String = "")
}

/// One HTTP/1.1 request: snapd's socket, instance metadata, the CA's HTTPS.
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

/// Talks to sockets. The cluster's own TLS has its own doors: ``Wire`` for the link, ``Trust`` for
/// the probe.
public protocol Network: Sendable {
    /// Throws `unavailable` if the connection fails, `unauthorized` if a TLS server's certificate
    /// is not trusted, `timeout` after `deadline`, `invalid` if the answer is larger than
    /// `bytesMax`. Any HTTP status is a value; a redirection is one too and never followed.
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

    /// The RDATA of each record of that type which the DNS has for `name`, aliases followed; empty
    /// if there is none. `/etc/hosts` is not asked: this is what others see. Throws `unavailable`
    /// if no server could say, `timeout` after `deadline`, `invalid` for an answer that is none.
    func records(
        _ type: RecordType, of name: String, deadline: Duration, op: Op
    ) async throws -> [[UInt8]]
}

/// Types of DNS records that we ask for (RFC 1035 §3.2.2, RFC 3596, RFC 8659).
public enum RecordType: UInt16, Sendable, Hashable {
    case a = 1
    case aaaa = 28
    case caa = 257
}
