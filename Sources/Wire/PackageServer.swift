import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves exactly one file over plain HTTP: the agent's package, whose integrity first boot checks
/// by the SHA-256 in its user data. Answers 404 to everything else.
public struct PackageServer: Sendable {
    /// More connections at once are closed unanswered.
    static let connectionsMax = 128
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
        let body = ByteBuffer(bytes: bytes)
        let connections = ConnectionCount(max: connectionsMax)
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { child in
                    guard connections.enter() else { return child.close() }
                    child.closeFuture.whenComplete { _ in connections.leave() }
                    return child.eventLoop.makeCompletedFuture {
                        let pipeline = child.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: idleMax))
                        try pipeline.configureHTTPServerPipeline()
                        try pipeline.addHandler(OneFile(path: path, body: body))
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

/// Counts open connections, so that strangers cannot use up the descriptors.
private final class ConnectionCount: Sendable {
    private let open = Mutex(0)
    private let max: Int

    init(max: Int) { self.max = max }

    func enter() -> Bool {
        open.withLock { count in
            guard count < max else { return false }
            count += 1
            return true
        }
    }

    func leave() { open.withLock { $0 -= 1 } }
}

/// Answers one connection's requests from memory.
private final class OneFile: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let path: String
    private let body: ByteBuffer
    private var head: HTTPRequestHead?

    init(path: String, body: ByteBuffer) {
        self.path = path
        self.body = body
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
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
