import Model
import NIOCore
import NIOTLS

/// Bytes both ways over one connection, TLS or plain; each direction ends by itself. A stream that
/// nobody holds any more closes itself.
public final class RawStream: Sendable {
    private static let incomingBytesMax = 512 << 10

    private let channel: any Channel
    private let inbox: Inbox<ByteBuffer>

    /// Call on the channel's event loop, once the connection is up.
    init(on channel: any Channel) throws {
        let inbox = Inbox<ByteBuffer>(bytesMax: Self.incomingBytesMax) { channel.read() }
        self.channel = channel
        self.inbox = inbox
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        try channel.pipeline.syncOperations.addHandler(RawHandler(inbox: inbox))
    }

    deinit { channel.close(promise: nil) }

    /// What came since the last read; nil when the peer has finished. Throws `unavailable` if the
    /// connection broke. Only one task may read.
    public func read() async throws -> [UInt8]? {
        try await readBuffer().map { [UInt8](buffer: $0) }
    }

    /// Returns when the kernel has taken the bytes. Throws `unavailable` if the connection broke.
    public func write(_ bytes: [UInt8]) async throws { try await write(ByteBuffer(bytes: bytes)) }

    /// Ends our direction; the peer may go on. Throws `unavailable` if the connection broke.
    public func finish() async throws {
        do {
            try await channel.close(mode: .output).get()
        } catch ChannelError.outputClosed {
            return
        } catch ChannelError.alreadyClosed {
            return
        } catch {
            throw Failure(wire: error, trying: "finishing a stream")
        }
    }

    /// Closes both ways at once; what was not yet sent is lost.
    public func close() async { try? await channel.close().get() }

    func readBuffer() async throws -> ByteBuffer? { try await inbox.next() }

    func write(_ bytes: ByteBuffer) async throws {
        do {
            try await channel.writeAndFlush(bytes).get()
        } catch {
            throw Failure(wire: error, trying: "writing to a stream")
        }
    }

    /// Reads the one frame that a tunnel begins with; the bytes after it stay to be read.
    /// Throws `invalid` if something else comes, `timeout` after `limit`.
    func tunnelHello(within limit: Duration) async throws -> TunnelHello {
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { [channel, inbox] in
            inbox.end(Failure(.timeout, "reading a tunnel's number: nothing within \(limit)"))
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        var decoder = FrameDecoder(accepting: [.tunnel])
        while let bytes = try await inbox.next() {
            decoder.append(bytes)
            guard case .tunnel(let hello)? = try decoder.next() else { continue }
            if decoder.isInsideFrame {
                inbox.unread(decoder.rest, bytes: decoder.rest.readableBytes)
            }
            return hello
        }
        throw Failure(.invalid, "reading a tunnel's number: the peer closed before it said one")
    }
}

/// Carries the bytes of one connection to its inbox. Lives on the event loop.
final class RawHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let inbox: Inbox<ByteBuffer>
    private var hasFinished = false

    init(inbox: Inbox<ByteBuffer>) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        inbox.put(bytes, bytes: bytes.readableBytes)
    }

    func read(context: ChannelHandlerContext) {
        if !inbox.pauseIfFull() { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // TLS's farewell from the peer; after our own it comes as the second of these.
        case ChannelEvent.inputClosed, TLSUserEvent.shutdownCompleted: inbox.end(nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        if case .output = mode { hasFinished = true }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.end(Failure(wire: error, trying: "reading a stream"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Once we have finished, NIO tells the peer's clean end by this alone; a break comes as an
        // error first.
        let broke = Failure(.unavailable, "reading a stream: the connection broke")
        inbox.end(hasFinished ? nil : broke)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        inbox.end(Failure(.unavailable, "reading a stream: the connection is closed"))
    }
}
