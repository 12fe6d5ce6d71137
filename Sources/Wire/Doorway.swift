import Model
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// Waits for the end of one TLS handshake, at most until its deadline, and says once how it ended.
/// It stays in the pipeline only so long.
final class Doorway: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// Sent through the pipeline to end a handshake that must make room for another.
    struct GiveWay: Sendable {}

    private let limit: Duration
    private let deadline: NIODeadline
    private var ended: ((Result<String?, Failure>) -> Void)?
    private var timer: Scheduled<Void>?

    /// `ended` is called on the event loop with the protocol that ALPN chose; it puts the next
    /// handler in place before any byte arrives. After a failure the channel is closed.
    init(
        limit: Duration, deadline: NIODeadline,
        ended: @escaping (Result<String?, Failure>) -> Void
    ) {
        self.limit = limit
        self.deadline = deadline
        self.ended = ended
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let limit = limit
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.fail(
                Failure(.timeout, "the TLS handshake: not done within \(limit)"), context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let chosen):
            end(.success(chosen))
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        case is GiveWay:
            let failure = Failure(.timeout, "the TLS handshake: too slow while others wait")
            fail(failure, context: context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(Failure(wire: error, trying: "the TLS handshake"), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(Failure(.unavailable, "the TLS handshake: the peer closed")))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.failure(Failure(.unavailable, "the TLS handshake: the connection is closed")))
    }

    private func fail(_ failure: Failure, context: ChannelHandlerContext) {
        end(.failure(failure))
        context.channel.abort()
    }

    private func end(_ result: Result<String?, Failure>) {
        timer?.cancel()
        timer = nil
        ended.take()?(result)
    }
}

extension Channel {
    /// Closes without TLS's farewell, for a peer that is not worth waiting for. On the event loop.
    func abort() {
        if let tls = try? pipeline.syncOperations.context(name: TLS.handlerName) {
            tls.close(promise: nil)
        } else {
            close(promise: nil)
        }
    }
}

/// What the check of a peer's certificate said; nil until it was asked, and for ever if the peer
/// presented none.
final class Verdict: Sendable {
    private let state = Mutex<Result<Peer, Failure>?>(nil)

    var result: Result<Peer, Failure>? { state.withLock { $0 } }

    /// Replaces all of NIOSSL's own verification by `check`.
    func callback(_ check: @escaping PeerCheck) -> NIOSSLCustomVerificationCallback {
        { [self] certificates, promise in
            let chain = Result { try certificates.map { try $0.toDERBytes() } }
            promise.completeWithTask {
                let result: Result<Peer, Failure>
                do {
                    result = .success(try await check(chain.get()))
                } catch {
                    result = .failure(Failure(error, trying: "checking the peer's certificate"))
                }
                self.state.withLock { $0 = result }
                if case .success = result { return .certificateVerified }
                return .failed
            }
        }
    }

    /// The failure that explains `failure`: our own check's, if that is what ended the handshake.
    func explain(_ failure: Failure) -> Failure {
        if case .failure(let reason)? = result { reason } else { failure }
    }
}
