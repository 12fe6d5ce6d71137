import Model
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// One TLS connection of a client to loopback, open for as long as somebody talks on it. It trusts
/// whatever it is shown: what is served is judged elsewhere.
public struct TLSTalk {
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

    private static let answerBytesMax = 64 << 10

    /// One for all, for making it takes longer than a handshake.
    private static let context = Result {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .none
        return try NIOSSLContext(configuration: settings)
    }

    /// Calls `body` once TLS is up. Throws `unavailable` if the connection or the handshake fails,
    /// what `body` throws else.
    public static func with<Value: Sendable>(
        port: UInt16, name: DomainName, deadline: Duration = .seconds(5),
        _ body: (inout TLSTalk) async throws -> Value
    ) async throws -> Value {
        let context = try context.get()
        let limit = TimeAmount.nanoseconds(Int64(deadline / .nanoseconds(1)))
        let wrapped: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            let handshake: Handshake
            (wrapped, handshake) = try await ClientBootstrap(
                group: .singletonMultiThreadedEventLoopGroup
            ).connectTimeout(limit).connect(host: "127.0.0.1", port: Int(port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handshake = Handshake(channel, limit: limit)
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLClientHandler(context: context, serverHostname: name.rawValue),
                        handshake)
                    return (
                        try NIOAsyncChannel(wrappingChannelSynchronously: channel), handshake
                    )
                }
            }
            do { try await handshake.done.get() } catch {
                try? await wrapped.executeThenClose { _, _ in }
                throw error
            }
        } catch {
            throw Failure(.unavailable, "connecting to port \(port): \(error)")
        }
        do {
            return try await wrapped.executeThenClose { inbound, outbound in
                var talk = TLSTalk(
                    channel: wrapped.channel, outbound: outbound,
                    inbound: inbound.makeAsyncIterator())
                return try await body(&talk)
            }
        } catch let error as ChannelError {
            throw Failure(.unavailable, "closing the connection to port \(port): \(error)")
        }
    }

    /// Whether the server has not closed it so far.
    public var isOpen: Bool { channel.isActive }

    /// Sends `text` and returns what comes back until it ends with `ending`.
    ///
    /// Throws `unavailable` if the connection ends before, or at `deadline`, which closes it.
    @discardableResult
    public mutating func ask(
        _ text: String, until ending: String, deadline: Duration = .seconds(5)
    ) async throws -> String {
        let channel = channel
        let alarm = channel.eventLoop.scheduleTask(
            in: .nanoseconds(Int64(deadline / .nanoseconds(1)))
        ) { channel.close(promise: nil) }
        defer { alarm.cancel() }
        var answer = ""
        do {
            try await outbound.write(ByteBuffer(string: text))
            while !answer.hasSuffix(ending) {
                guard let bytes = try await inbound.next(), answer.count < Self.answerBytesMax
                else { throw Failure(.unavailable, "it was closed") }
                answer += String(buffer: bytes)
            }
        } catch {
            throw Failure(.unavailable, "talking over TLS: \(error)")
        }
        return answer
    }
}

/// Tells when TLS is up, or why it does not come up.
private final class Handshake: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    let done: EventLoopFuture<Void>
    private let promise: EventLoopPromise<Void>

    init(_ channel: any Channel, limit: TimeAmount) {
        promise = channel.eventLoop.makePromise()
        done = promise.futureResult
        let alarm = channel.eventLoop.scheduleTask(in: limit) { [promise] in
            promise.fail(ChannelError.connectTimeout(limit))
        }
        done.whenComplete { _ in alarm.cancel() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { promise.succeed(()) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
