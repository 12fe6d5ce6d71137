import Model
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTPS server on loopback that answers what a test says, one request a connection.
public final class LoopbackHTTPS: Sendable {
    /// Gets a request's head and says the whole answer; nil keeps silent.
    public typealias Answer = @Sendable (String) -> String?

    private let listener: any Channel
    private let seen: Seen

    public var port: UInt16 { UInt16(clamping: listener.localAddress?.port ?? 0) }

    /// Heads of the requests so far.
    public var requests: [String] { seen.heads.withLock { $0 } }

    public static func with<Value>(
        _ credentials: LoopbackCA.Credentials, answer: @escaping Answer,
        _ body: (LoopbackHTTPS) async throws -> Value
    ) async throws -> Value {
        let server = try await LoopbackHTTPS(credentials, answer)
        do {
            let value = try await body(server)
            try await server.listener.close()
            return value
        } catch {
            try? await server.listener.close()
            throw error
        }
    }

    private init(_ credentials: LoopbackCA.Credentials, _ answer: @escaping Answer) async throws {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
        let key = try NIOSSLPrivateKey(
            bytes: Array(credentials.keyPEM.reveal().utf8), format: .pem)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
        let seen = Seen()
        self.seen = seen
        listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let pipeline = child.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(Turn(answer, seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }
}

/// What came, for all connections.
private final class Seen: Sendable {
    let heads = Mutex<[String]>([])
}

/// One connection: a request, its answer, and the end.
private final class Turn: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headBytesMax = 64 << 10
    private let answer: LoopbackHTTPS.Answer
    private let seen: Seen
    private var received = ""

    init(_ answer: @escaping LoopbackHTTPS.Answer, _ seen: Seen) {
        (self.answer, self.seen) = (answer, seen)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        guard received.utf8.count <= Self.headBytesMax else { return context.close(promise: nil) }
        guard let end = received.firstRange(of: "\r\n\r\n") else { return }
        let head = String(received[..<end.lowerBound])
        received = ""
        seen.heads.withLock { $0.append(head) }
        guard let text = answer(head) else { return }
        let bytes = ByteBuffer(string: text)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        context.close(promise: nil)
    }

    /// A client that does not like our certificate says so and goes.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
