import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves exactly one file over plain HTTP: the agent's package, whose integrity first boot checks
/// by the SHA-256 in its user data. Answers 404 to everything else.
public struct PackageServer: Sendable {
    /// More connections at once are closed unanswered: of all, and of one source address.
    static let connectionsMax = 128
    static let connectionsPerSourceMax = 32
    /// A connection whose request is not whole after this long is closed.
    static let requestMax = TimeAmount.seconds(10)
    /// A connection that sends nothing and takes no part of the file for this long is closed.
    static let idleMax = TimeAmount.seconds(30)
    private static let partBytes = 64 << 10

    private let channel: any Channel

    /// Port that is really bound.
    public var port: UInt16 { UInt16(channel.localAddress?.port ?? 0) }

    /// Starts serving `bytes` at `path`. Throws `unavailable` if the port cannot be bound.
    public static func start(
        host: String, port: UInt16, path: String, bytes: [UInt8]
    ) async throws -> PackageServer {
        try await start(
            host: host, port: port, path: path, bytes: bytes, requestMax: requestMax)
    }

    static func start(
        host: String, port: UInt16, path: String, bytes: [UInt8], requestMax: TimeAmount
    ) async throws -> PackageServer {
        let body = ByteBuffer(bytes: bytes)
        let connections = ConnectionCount(max: connectionsMax, perSource: connectionsPerSourceMax)
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { child in
                    let source = child.remoteAddress?.ipAddress ?? "unknown"
                    guard connections.enter(source) else { return child.close() }
                    child.closeFuture.whenComplete { _ in connections.leave(source) }
                    return child.eventLoop.makeCompletedFuture {
                        let pipeline = child.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: idleMax))
                        try pipeline.configureHTTPServerPipeline()
                        try pipeline.addHandler(
                            OneFile(path: path, body: body, requestMax: requestMax))
                    }
                }
                .bind(host: host, port: Int(port)).get()
            return PackageServer(channel: channel)
        } catch {
            throw Failure(
                .unavailable, "serving the agent's package on \(host):\(port): \(error)",
                fix: "free the port, or set `coordinator.packagePort`")
        }
    }

    public func stop() async { try? await channel.close() }

    /// `file` in parts of which each is written by itself: NIO counts a write when all of it was
    /// taken, and a slow line takes longer for the whole file than a connection may idle.
    static func parts(of file: ByteBuffer) -> [ByteBuffer] {
        var (rest, parts): (ByteBuffer, [ByteBuffer]) = (file, [])
        while let part = rest.readSlice(length: min(partBytes, rest.readableBytes)),
            part.readableBytes > 0
        {
            parts.append(part)
        }
        return parts
    }
}

/// Counts open connections, so that strangers cannot use up the descriptors, nor one of them the
/// places of all others.
final class ConnectionCount: Sendable {
    private let open = Mutex<[String: Int]>([:])
    private let max: Int
    private let perSource: Int

    init(max: Int, perSource: Int) {
        self.max = max
        self.perSource = perSource
    }

    /// False if there is no room; else `leave` must follow.
    func enter(_ source: String) -> Bool {
        open.withLock { open in
            let mine = open[source] ?? 0
            guard mine < perSource, open.values.reduce(0, +) < max else { return false }
            open[source] = mine + 1
            return true
        }
    }

    func leave(_ source: String) {
        open.withLock { open in
            let mine = open[source] ?? 0
            open[source] = mine > 1 ? mine - 1 : nil
        }
    }
}

/// Answers one connection's requests from memory.
private final class OneFile: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let path: String
    private let body: ByteBuffer
    private let requestMax: TimeAmount
    private var head: HTTPRequestHead?
    private var deadline: Scheduled<Void>?

    init(path: String, body: ByteBuffer, requestMax: TimeAmount) {
        self.path = path
        self.body = body
        self.requestMax = requestMax
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: requestMax) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            deadline?.cancel()
            answer(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let isRead = request.method == .GET || request.method == .HEAD
        let status: HTTPResponseStatus =
            request.uri == path ? (isRead ? .ok : .methodNotAllowed) : .notFound
        var response = HTTPResponseHead(version: request.version, status: status)
        let length = status == .ok ? body.readableBytes : 0
        response.headers.add(name: "Content-Length", value: "\(length)")
        response.headers.add(name: "Connection", value: "close")
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if status == .ok, request.method == .GET {
            for part in PackageServer.parts(of: body) {
                context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
            }
        }
        let channel = context.channel
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
    }
}
