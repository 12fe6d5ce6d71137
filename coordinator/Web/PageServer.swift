import Coordinator
import Hummingbird
import Logging
import Model

/// Serves the status page and the metrics over plain HTTP: the one place that knows Hummingbird.
public enum PageServer {
    /// More at once wait until one has ended.
    private static let connectionsMax = 64
    private static let headerBytesMax = 16 << 10

    /// Serves while `body` runs. Does only that if the page is off. Throws `conflict` if another
    /// program has its port.
    public static func serving<Result: Sendable>(
        _ driver: Driver, _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        guard let place = driver.statusPage.place else { return try await body() }
        let site = Site(window: driver.window, isExposed: !driver.statusPage.isLoopback)
        return try await serving(
            site, host: place.host, port: place.port, log: driver.log,
            bound: { _ in driver.tell("status page at http://\(driver.statusPage.address)/") }, body
        )
    }

    /// `bound` gets the port, which the system chooses if `port` is 0.
    static func serving<Result: Sendable>(
        _ site: Site, host: String, port: UInt16, log: Logger,
        bound: @Sendable @escaping (UInt16) -> Void,
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let application = application(site, host: host, port: port, log: log, bound: bound)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                do { try await application.run() } catch {
                    // Whoever stops us stops the body, and its end is ours.
                    guard Task.isCancelled else { throw ending(host, port, error) }
                }
                return nil
            }
            group.addTask { try await body() }
            while let ended = try await group.next() {
                if let ended { return ended }
                guard Task.isCancelled else { throw ending(host, port, "it ended") }
            }
            throw CancellationError()
        }
    }

    private static func ending(_ host: String, _ port: UInt16, _ reason: Any) -> Failure {
        Failure(
            .conflict, "showing the status page on \(host):\(port): \(reason)",
            fix: "free the port (`ss -ltnp` names its owner), or set "
                + "`coordinator.statusPage.address`")
    }

    private static func application(
        _ site: Site, host: String, port: UInt16, log: Logger,
        bound: @Sendable @escaping (UInt16) -> Void
    ) -> some ApplicationProtocol {
        // What clients do wrong is theirs, and a stop is no error.
        var log = log
        log.logLevel = .critical
        return Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in
                await response(to: request, from: site)
            },
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: headerBytesMax, maxHeaderListSize: headerBytesMax,
                        maxHeaderFieldCount: 64))),
            configuration: .init(
                address: .hostname(host, port: Int(port)),
                availableConnectionsDelegate: .maximum(connectionsMax, logger: log)),
            onServerRunning: { bound($0.localAddress?.port.map { UInt16($0) } ?? port) },
            logger: log)
    }

    private static func response(to request: Request, from site: Site) async -> Response {
        let answer = await site.answer(question(request))
        var response = Response(
            status: .init(code: answer.status),
            headers: [
                .contentType: answer.type, .cacheControl: "no-store",
                .contentSecurityPolicy: Site.policy, .xContentTypeOptions: "nosniff",
            ],
            body: body(answer.body))
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private static func question(_ request: Request) -> Site.Question {
        let query = request.uri.queryParameters.map { (String($0.key), String($0.value)) }
        let header = request.headers.first { $0.name.canonicalName == "last-event-id" }
        return Site.Question(
            method: request.method.rawValue, path: request.uri.path,
            query: Dictionary(query, uniquingKeysWith: { first, _ in first }),
            host: host(request.head.authority ?? ""), lastEvent: header?.value)
    }

    /// The name or address of `host:port`.
    private static func host(_ authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") else {
            return authority
        }
        return String(authority[..<colon])
    }

    private static func body(_ body: Site.Answer.Body) -> ResponseBody {
        switch body {
        case .text(let text): ResponseBody(byteBuffer: ByteBuffer(string: text))
        case .stream(let stream):
            ResponseBody { writer in
                try await stream.run { try await writer.write(ByteBuffer(string: $0)) }
                try await writer.finish(nil)
            }
        }
    }
}
