import Model
import Outside
import Synchronization

/// Plain sockets that answer what a test says, by endpoint, method and the beginning of the target.
public final class FakeNetwork: Network {
    private struct Route {
        let method: String
        let endpoint: Endpoint
        let target: String
        let answer: @Sendable (HTTPRequest) async throws -> HTTPResponse
    }

    private struct Socket {
        /// Whether what is sent there may change anything.
        let changes: @Sendable (String) -> Bool
        let answer: @Sendable (String) async throws -> String
    }

    private struct State {
        var routes: [Route] = []
        var sockets: [Endpoint: Socket] = [:]
        var hosts: [String: [String]] = [:]
        var records: [RecordType: [String: [[UInt8]]]] = [:]
        var requests: [HTTPRequest] = []
        var exchanges: [String] = []
    }

    private let state = Mutex(State())
    private let history: History

    init(history: History) { self.history = history }

    /// Answers requests of that method whose target begins so; what was set last wins.
    public func on(
        _ method: String, _ endpoint: Endpoint, _ target: String,
        answer: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        let route = Route(method: method, endpoint: endpoint, target: target, answer: answer)
        state.withLock { $0.routes.append(route) }
    }

    /// Answers what is sent to a socket. Only what `changes` something counts as an effect.
    public func onExchange(
        _ endpoint: Endpoint, changes: @escaping @Sendable (String) -> Bool = { _ in true },
        answer: @escaping @Sendable (String) async throws -> String
    ) {
        state.withLock { $0.sockets[endpoint] = Socket(changes: changes, answer: answer) }
    }

    /// What a host name resolves to; an empty list is a name without addresses.
    public func resolve(_ host: String, to addresses: [String]) {
        state.withLock { $0.hosts[host] = addresses }
    }

    /// What the DNS has of that type for a name, as RDATA; an empty list is a name without any.
    public func records(_ type: RecordType, of name: String, are data: [[UInt8]]) {
        state.withLock { $0.records[type, default: [:]][name] = data }
    }

    public var requests: [HTTPRequest] { state.withLock { $0.requests } }

    /// Empties ``requests``, so that what comes can be looked at alone.
    public func forgetRequests() { state.withLock { $0.requests = [] } }

    public var exchanges: [String] { state.withLock { $0.exchanges } }

    public func http(
        _ request: HTTPRequest, deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> HTTPResponse {
        let route = state.withLock { state in
            state.requests.append(request)
            return state.routes.last {
                $0.method == request.method && $0.endpoint == request.endpoint
                    && request.target.hasPrefix($0.target)
            }
        }
        guard let route else {
            throw history.surprise(
                op, "\(request.method) \(request.target) at \(request.endpoint)")
        }
        let response: HTTPResponse
        if ["GET", "HEAD"].contains(request.method) {
            try history.read(op)
            response = try await route.answer(request)
        } else {
            response = try await history.effect(op) { try await route.answer(request) }
        }
        return try bounded(response, response.body.count, bytesMax, op)
    }

    public func exchange(
        _ endpoint: Endpoint, sending bytes: [UInt8], deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        let socket = state.withLock { state in
            state.exchanges.append(text)
            return state.sockets[endpoint]
        }
        guard let socket else { throw history.surprise(op, "sending to \(endpoint)") }
        let answer: String
        if socket.changes(text) {
            answer = try await history.effect(op) { try await socket.answer(text) }
        } else {
            try history.read(op)
            answer = try await socket.answer(text)
        }
        return try bounded(Array(answer.utf8), answer.utf8.count, bytesMax, op)
    }

    public func resolve(_ host: String, deadline: Duration, op: Op) async throws -> [String] {
        try history.read(op)
        guard let addresses = state.withLock({ $0.hosts[host] }) else {
            throw history.surprise(op, "the host \(host)")
        }
        guard !addresses.isEmpty else {
            throw Failure(.notFound, "resolving \(host): it has no addresses")
        }
        return addresses
    }

    public func records(
        _ type: RecordType, of name: String, deadline: Duration, op: Op
    ) async throws -> [[UInt8]] {
        try history.read(op)
        guard let data = state.withLock({ $0.records[type]?[name] }) else {
            throw history.surprise(op, "the \(type) records of \(name)")
        }
        return data
    }

    private func bounded<Answer>(
        _ answer: Answer, _ count: Int, _ bytesMax: Int, _ op: Op
    ) throws -> Answer {
        guard count <= bytesMax else {
            throw Failure(.invalid, "\(op): the answer is larger than \(UInt64(bytesMax).sizeText)")
        }
        return answer
    }
}
