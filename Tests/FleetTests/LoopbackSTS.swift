import Model
import NIOCore
import NIOHTTP1
import NIOPosix

/// An STS on loopback that knows whose access key is whose, as AWS does. It checks no signature:
/// that is proven against AWS's own vectors elsewhere.
struct LoopbackSTS: Sendable {
    struct Caller: Sendable {
        var account = Fleet.account
        var role = Fleet.role
        var instance = "i-0123456789abcdef0"
    }

    private let channel: any Channel

    /// What a coordinator's environment says to find it.
    var environment: [String: String] {
        ["AWS_ENDPOINT_URL": "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"]
    }

    static func with(
        _ callers: [String: Caller], _ body: (LoopbackSTS) async throws -> Void
    ) async throws {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let pipeline = child.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Desk(callers: callers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(LoopbackSTS(channel: channel))
        } catch {
            try? await channel.close()
            throw error
        }
        try await channel.close()
    }
}

/// Answers one connection.
private final class Desk: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let callers: [String: LoopbackSTS.Caller]
    private var key = ""

    init(callers: [String: LoopbackSTS.Caller]) { self.callers = callers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let credential = head.headers.first(name: "authorization")?.split(separator: "=")
            key = String(credential?.dropFirst().first?.prefix { $0 != "/" } ?? "")
        case .body: break
        case .end: answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        let (status, text) =
            callers[key].map { (HTTPResponseStatus.ok, Self.identity($0)) }
            ?? (.forbidden, Self.unknown)
        let body = context.channel.allocator.buffer(string: text)
        let headers: HTTPHeaders = [
            "content-type": "text/xml", "content-length": "\(body.readableBytes)",
        ]
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private static func identity(_ caller: LoopbackSTS.Caller) -> String {
        """
        <GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::\(caller.account):\
        assumed-role/\(caller.role)/\(caller.instance)</Arn><UserId>AROA</UserId>\
        <Account>\(caller.account)</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
        """
    }

    private static let unknown = """
        <ErrorResponse><Error><Code>InvalidClientTokenId</Code>\
        <Message>The security token included in the request is invalid.</Message></Error>\
        </ErrorResponse>
        """
}
