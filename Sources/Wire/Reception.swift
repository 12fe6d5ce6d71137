import Logging
import Model
import NIOCore
import NIOSSL
import Synchronization

/// What happens to one connection between being accepted and being let in or refused.
final class Reception: Sendable {
    /// One connection on its way in.
    private struct Visitor: Sendable {
        let id: UInt64
        let source: String
        let verdict = Verdict()
    }

    let strangers: Strangers
    private let context: ServerContext
    private let check: PeerCheck
    private let limits: LinkLimits
    private let offer: AsyncStream<Accepted>.Continuation
    private let log: Logger
    private let counts = Mutex<[Refusal: Int]>([:])

    init(
        context: ServerContext, check: @escaping PeerCheck, limits: LinkLimits,
        strangers: Strangers, offer: AsyncStream<Accepted>.Continuation, log: Logger
    ) {
        self.context = context
        self.check = check
        self.limits = limits
        self.strangers = strangers
        self.offer = offer
        self.log = log
    }

    var refusals: [Refusal: Int] { counts.withLock { $0 } }

    /// Starts TLS on a new connection. On its event loop.
    func receive(_ channel: any Channel) throws {
        let source = channel.remoteAddress?.ipAddress ?? "unknown"
        guard let id = strangers.admit(channel, from: source) else {
            return refuse(channel, source, .crowded)
        }
        let visitor = Visitor(id: id, source: source)
        channel.closeFuture.whenComplete { _ in self.strangers.handshakeEnded(id) }
        Sockets.keepAlive(channel)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            NIOSSLServerHandler(
                context: context.current(),
                customVerificationCallback: visitor.verdict.callback(check)),
            name: TLS.handlerName)
        try pipeline.addHandler(
            Doorway(
                limit: limits.handshake,
                deadline: .now() + TimeAmount(limits.handshake)
            ) { self.shaken(channel, visitor, $0) })
    }

    private func shaken(
        _ channel: any Channel, _ visitor: Visitor, _ result: Result<String?, Failure>
    ) {
        strangers.handshakeEnded(visitor.id)
        switch result {
        case .failure(let failure):
            let refusal: Refusal =
                if case .failure? = visitor.verdict.result {
                    .unauthorized
                } else {
                    failure.code == .timeout ? .slow : .handshake
                }
            refuse(channel, visitor.source, refusal, visitor.verdict.explain(failure))
        case .success(let chosen):
            do {
                try admit(channel, visitor, chosen.flatMap(Conversation.init(rawValue:)))
            } catch {
                refuse(
                    channel, visitor.source, .handshake, Failure(error, trying: "letting in"))
            }
        }
    }

    private func admit(
        _ channel: any Channel, _ visitor: Visitor, _ conversation: Conversation?
    ) throws {
        let peer = try visitor.verdict.result?.get()
        switch (conversation, peer) {
        case (nil, _): refuse(channel, visitor.source, .unknownConversation)
        case (.enrolment, nil): try enrol(channel, visitor.source)
        case (.enrolment, _?): refuse(channel, visitor.source, .unexpectedCertificate)
        case (.link, nil), (.tunnel, nil): refuse(channel, visitor.source, .noCertificate)
        case (.link, let peer?):
            let link = try TLSLink(
                on: channel, peer: peer, rules: .coordinatorSide(limits), limits: limits)
            letIn(.link(link), channel, visitor.source)
        case (.tunnel, let peer?) where peer.expired:
            refuse(channel, visitor.source, .expiredCertificate)
        case (.tunnel, let peer?):
            let stream = try RawStream(on: channel)
            Task { await self.admit(tunnel: stream, peer, channel, visitor.source) }
        }
    }

    private func enrol(_ channel: any Channel, _ source: String) throws {
        if let refusal = strangers.enrolmentBegins(from: source) {
            return refuse(channel, source, refusal)
        }
        channel.closeFuture.whenComplete { _ in self.strangers.enrolmentEnded() }
        let link = try TLSLink(
            on: channel, peer: nil, rules: .stranger(limits), limits: limits)
        letIn(.enrolment(link, source: source), channel, source)
    }

    private func admit(
        tunnel stream: RawStream, _ peer: Peer, _ channel: any Channel, _ source: String
    ) async {
        do {
            let hello = try await stream.tunnelHello(within: limits.enrolmentFrame)
            letIn(.tunnel(hello, stream, peer), channel, source)
        } catch {
            let failure = Failure(error, trying: "opening a tunnel")
            channel.eventLoop.execute {
                self.refuse(channel, source, .noTunnelNumber, failure)
            }
        }
    }

    private func letIn(_ accepted: Accepted, _ channel: any Channel, _ source: String) {
        // What is dropped or comes too late is closed by nobody holding it any more.
        if case .dropped = offer.yield(accepted) { count(.backlog, source, nil) }
    }

    private func refuse(
        _ channel: any Channel, _ source: String, _ refusal: Refusal, _ reason: Failure? = nil
    ) {
        count(refusal, source, reason)
        channel.abort()
    }

    private func count(_ refusal: Refusal, _ source: String, _ reason: Failure?) {
        counts.withLock { $0[refusal, default: 0] += 1 }
        log.debug(
            "connection refused",
            metadata: [
                "source": "\(source)", "refusal": "\(refusal.rawValue)",
                "reason": "\(reason?.message ?? "")",
            ])
    }
}
