import Model
import NIOCore
import NIOPosix

/// What stands behind the edge on loopback: it answers each request with `ok`, and echoes on a
/// connection that was upgraded to a WebSocket, without the frames.
public enum LoopbackChat {
    /// Ends each of its answers.
    public static let ending = "ok\n"

    public static func with<Value>(
        port: UInt16, _ body: () async throws -> Value
    ) async throws -> Value {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Answers())
                }
            }
            .bind(host: "127.0.0.1", port: Int(port)).get()
        do {
            let value = try await body()
            try await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// What a client sends to `name`; an upgrade has the key of RFC 6455 §1.3.
    public static func request(to name: DomainName, upgrade: Bool = false) -> String {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        let extra = upgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n\(key)" : ""
        return "GET / HTTP/1.1\r\nHost: \(name)\r\n\(extra)\r\n"
    }
}

/// Answers one connection.
private final class Answers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let bytesMax = 64 << 10
    private var received = ""
    private var isUpgraded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isUpgraded { return send(bytes, context) }
        received += String(buffer: bytes)
        guard received.utf8.count <= Self.bytesMax else { return context.close(promise: nil) }
        while let end = received.firstRange(of: "\r\n\r\n") {
            let head = received[..<end.lowerBound].lowercased()
            received = String(received[end.upperBound...])
            isUpgraded = head.contains("\r\nupgrade: websocket")
            send(ByteBuffer(string: isUpgraded ? Self.upgraded : Self.fine), context)
        }
    }

    private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private static let fine =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        + "Content-Length: \(LoopbackChat.ending.utf8.count)\r\n\r\n\(LoopbackChat.ending)"

    private static let upgraded =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
}
