import Logging
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A conversation that a listener has let in.
public enum Accepted: Sendable {
    /// An agent with a certificate that the check accepted.
    case link(any Link)
    /// A stranger that may say one frame; `source` is its address.
    case enrolment(any Link, source: String)
    /// The other end of a tunnel that was asked for.
    case tunnel(TunnelHello, RawStream, Peer)
}

/// Why a connection was not let in.
public enum Refusal: String, Sendable, CaseIterable {
    /// No room for more that have proven nothing.
    case crowded
    /// The TLS handshake failed: garbage, TLS 1.2, closed early.
    case handshake
    /// The TLS handshake took too long, or gave way to a newcomer.
    case slow
    /// The check did not accept the certificate.
    case unauthorized
    /// A link or tunnel without certificate.
    case noCertificate
    /// An enrolment with one.
    case unexpectedCertificate
    /// A tunnel with a certificate that is good for a renewal only.
    case expiredCertificate
    /// ALPN named no conversation of ours.
    case unknownConversation
    /// Too many enrolments from one source.
    case enrolmentRate
    /// A tunnel that did not say its number.
    case noTunnelNumber
    /// The coordinator did not take accepted conversations fast enough.
    case backlog
}

/// The coordinator's port: lets agents, tunnels and strangers in, told apart by ALPN, and refuses
/// everything else before it costs much. Never acts on anything that is said.
public final class Listener: Sendable {
    private static let backlogMax = 256

    /// The port that was bound.
    public let port: UInt16
    /// Conversations as they are let in; ends when the listener is closed.
    public let accepted: AsyncStream<Accepted>
    private let server: any Channel
    private let reception: Reception

    private init(
        server: any Channel, reception: Reception, accepted: AsyncStream<Accepted>
    ) {
        self.server = server
        self.reception = reception
        self.accepted = accepted
        port = UInt16(server.localAddress?.port ?? 0)
    }

    deinit { server.close(promise: nil) }

    /// Port 0 means any that is free. `credentials` is asked at every connection, so a renewed
    /// certificate is served from the next one on.
    ///
    /// Throws `conflict` if the port is taken, `invalid` if the address is not ours or the
    /// credentials are unusable.
    public static func bind(
        host: String, port: UInt16, credentials: @escaping @Sendable () -> Credentials,
        check: @escaping PeerCheck, limits: LinkLimits = LinkLimits(),
        strangers: StrangerLimits = StrangerLimits(), log: Logger
    ) async throws -> Listener {
        let (accepted, offer) = AsyncStream.makeStream(
            of: Accepted.self, bufferingPolicy: .bufferingOldest(backlogMax))
        let context = ServerContext(credentials)
        _ = try context.current()
        let reception = Reception(
            context: context, check: check, limits: limits, strangers: Strangers(strangers),
            offer: offer, log: log)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try reception.receive(channel) }
            }
            .listen(host: host, port: port)
        server.closeFuture.whenComplete { _ in offer.finish() }
        return Listener(server: server, reception: reception, accepted: accepted)
    }

    /// How often each reason was given since the start, for status and metrics.
    public var refusals: [Refusal: Int] { reception.refusals }

    /// Lets nobody in any more; conversations that were let in stay.
    public func close() async {
        try? await server.close().get()
        reception.strangers.closeAll()
    }
}
