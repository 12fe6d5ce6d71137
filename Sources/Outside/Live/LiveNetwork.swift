import Model
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sockets by NIO: one connection a call, nothing is kept open.
struct LiveNetwork: Network {
    func http(
        _ request: HTTPRequest, deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> HTTPResponse {
        let tried = "\(request.method) \(request.target) at \(request.endpoint)"
        let tls = try ServerTLS(for: request.endpoint)
        return try await Conversation(with: request.endpoint, trying: tried).hold(deadline) {
            pipeline, promise in
            try tls?.guardPipeline(pipeline)
            try pipeline.addHTTPClientHandlers()
            try pipeline.addHandler(
                HTTPTurn(request, bytesMax: bytesMax, trying: tried, promise: promise))
        }
    }

    func exchange(
        _ endpoint: Endpoint, sending bytes: [UInt8], deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> [UInt8] {
        let tried = "talking to \(endpoint)"
        let tls = try ServerTLS(for: endpoint)
        return try await Conversation(with: endpoint, trying: tried).hold(deadline) {
            pipeline, promise in
            try tls?.guardPipeline(pipeline)
            try pipeline.addHandler(
                PlainTurn(bytes, bytesMax: bytesMax, trying: tried, promise: promise))
        }
    }

    func resolve(_ host: String, deadline: Duration, op: Op) async throws -> [String] {
        try await Resolver.addresses(of: host, deadline: deadline)
    }

    func records(
        _ type: RecordType, of name: String, deadline: Duration, op: Op
    ) async throws -> [[UInt8]] {
        try await Resolver.records(type, of: name, deadline: deadline)
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port), .tls(let host, let port, _):
            "\(Self.bracketed(host)):\(port)"
        case .unix(let path): path
        }
    }

    /// What a request says whom it is for, if its caller does not (RFC 9110 §7.2).
    fileprivate var hostHeader: String {
        switch self {
        case .tcp: "\(self)"
        case .tls(let host, 443, _): Self.bracketed(host)
        case .tls: "\(self)"
        case .unix: "localhost"
        }
    }

    private static func bracketed(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }
}

/// One connection that lives until its answer, its deadline or the caller's cancellation.
private struct Conversation {
    let endpoint: Endpoint
    let tried: String

    init(with endpoint: Endpoint, trying tried: String) {
        self.endpoint = endpoint
        self.tried = tried
    }

    func hold<Answer: Sendable>(
        _ deadline: Duration,
        _ prepare:
            @escaping @Sendable (
                ChannelPipeline.SynchronousOperations, EventLoopPromise<Answer>
            ) throws -> Void
    ) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: Answer.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(deadline))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel.pipeline.syncOperations, promise)
                }
            }
        let connection =
            switch endpoint {
            case .tcp(let host, let port), .tls(let host, let port, _):
                bootstrap.connect(host: host, port: Int(port))
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        connection.whenFailure { promise.fail(unavailable($0)) }
        let timer = loop.scheduleTask(in: TimeAmount(deadline)) {
            promise.fail(Failure(.timeout, "\(tried): no answer in \(deadline.shortText)"))
        }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            connection.whenSuccess { $0.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }

    private func unavailable(_ error: any Error) -> Failure {
        if case ChannelError.connectTimeout = error {
            return Failure(.timeout, "\(tried): no connection in time")
        }
        if let error = error as? IOError {
            return Failure(.unavailable, "\(tried): \(errnoText(error.errnoCode))")
        }
        if let error = error as? NIOConnectionError {
            guard let first = error.connectionErrors.first else {
                return Failure(.unavailable, "\(tried): the name does not resolve")
            }
            return unavailable(first.error)
        }
        return Failure(.unavailable, "\(tried): \(String(describing: error).prefix(400))")
    }
}

/// Sends one request and collects one answer.
private final class HTTPTurn: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: HTTPRequest
    private let bytesMax: Int
    private let tried: String
    private let promise: EventLoopPromise<HTTPResponse>
    private var response: HTTPResponse?

    init(
        _ request: HTTPRequest, bytesMax: Int, trying tried: String,
        promise: EventLoopPromise<HTTPResponse>
    ) {
        self.request = request
        self.bytesMax = bytesMax
        self.tried = tried
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        var headers = HTTPHeaders(request.headers.sorted { $0.key < $1.key }.map { ($0, $1) })
        // A caller that names a host means it: an address can serve several.
        if !headers.contains(name: "Host") {
            headers.add(name: "Host", value: request.endpoint.hostHeader)
        }
        headers.replaceOrAdd(name: "Connection", value: "close")
        if !request.body.isEmpty || ["POST", "PUT"].contains(request.method) {
            headers.replaceOrAdd(name: "Content-Length", value: "\(request.body.count)")
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target,
            headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !request.body.isEmpty {
            let body = context.channel.allocator.buffer(bytes: request.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let headers = head.headers.map { ($0.name.lowercased(), $0.value) }
            response = HTTPResponse(
                status: Int(head.status.code),
                headers: Dictionary(headers) { "\($0), \($1)" })
        case .body(let part):
            response?.body.append(contentsOf: part.readableBytesView)
            guard (response?.body.count ?? 0) <= bytesMax else {
                promise.fail(tooLarge(tried, bytesMax))
                return context.close(promise: nil)
            }
        case .end:
            if let response { promise.succeed(response) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(Failure(.unavailable, "\(tried): closed before the whole answer came"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(ServerTLS.failure(of: error, trying: tried))
        context.close(promise: nil)
    }
}

/// Sends bytes and collects what comes until the peer closes.
private final class PlainTurn: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let bytes: [UInt8]
    private let bytesMax: Int
    private let tried: String
    private let promise: EventLoopPromise<[UInt8]>
    private var answer: [UInt8] = []

    init(
        _ bytes: [UInt8], bytesMax: Int, trying tried: String, promise: EventLoopPromise<[UInt8]>
    ) {
        self.bytes = bytes
        self.bytesMax = bytesMax
        self.tried = tried
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        let buffer = context.channel.allocator.buffer(bytes: bytes)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        guard answer.count <= bytesMax else {
            promise.fail(tooLarge(tried, bytesMax))
            return context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(answer) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(ServerTLS.failure(of: error, trying: tried))
        context.close(promise: nil)
    }
}

private func tooLarge(_ tried: String, _ bytesMax: Int) -> Failure {
    Failure(.invalid, "\(tried): the answer is larger than \(UInt64(bytesMax).sizeText)")
}
