import Model
import NIOCore

/// What may arrive on one side of one kind of conversation, and whether it is kept alive.
struct FrameRules: Sendable {
    var accepting: Set<MessageKind>
    /// More frames than this break the protocol; nil for no limit.
    var framesMax: Int?
    /// The first frame must be complete by then; nil if it may take its time.
    var firstFrame: Duration?
    /// The connection ends then, whatever happens; nil if it may stay.
    var lifetime: Duration?
    /// How a peer that is gone is noticed; nil if nobody waits for it.
    var liveness: Liveness?

    /// One side asks, so that an idle node is woken once a ping and not three times.
    enum Liveness { case asks, listens }

    static let agentSays: Set<MessageKind> = [
        .hello, .status, .events, .reply, .renewal, .ping, .pong,
    ]
    static let coordinatorSays: Set<MessageKind> = [
        .welcome, .spec, .eventsSeen, .request, .certificate, .refusal, .ping, .pong,
    ]

    static func agentSide(_ limits: LinkLimits) -> FrameRules {
        FrameRules(
            accepting: coordinatorSays, firstFrame: limits.greeting, liveness: .listens)
    }

    static func coordinatorSide(_ limits: LinkLimits) -> FrameRules {
        FrameRules(accepting: agentSays, firstFrame: limits.greeting, liveness: .asks)
    }

    /// The coordinator's side: one frame, soon, and nothing else.
    static func stranger(_ limits: LinkLimits) -> FrameRules {
        FrameRules(
            accepting: [.enrolment], framesMax: 1, firstFrame: limits.enrolmentFrame,
            lifetime: limits.enrolment)
    }

    /// The side of a node that wants to enrol.
    static func enrolling(_ limits: LinkLimits) -> FrameRules {
        FrameRules(
            accepting: [.challenge, .certificate, .refusal], framesMax: 2,
            lifetime: limits.enrolment)
    }
}

/// Cuts the bytes of one connection into frames for its inbox and holds the connection to its
/// limits. Leaves decoding to the reader, so that one peer's large message delays nobody. Answers
/// pings itself, so that a busy reader does not look dead. Lives on the event loop.
final class FrameHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let inbox: Inbox<ReceivedFrame>
    private let rules: FrameRules
    private let limits: LinkLimits
    private var decoder: FrameDecoder
    private var frames = 0
    private var pings: UInt64 = 0
    private var outgoingBytes = 0
    private var heardAt = NIODeadline.now()
    private var livenessTimer: Scheduled<Void>?
    private var frameTimer: Scheduled<Void>?
    private var firstFrameTimer: Scheduled<Void>?
    private var lifetimeTimer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?

    init(inbox: Inbox<ReceivedFrame>, rules: FrameRules, limits: LinkLimits) {
        self.inbox = inbox
        self.rules = rules
        self.limits = limits
        decoder = FrameDecoder(accepting: rules.accepting)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heardAt = .now()
        guard inbox.ending == nil else { return }
        decoder.append(unwrapInboundIn(data))
        do {
            while let frame = try decoder.nextFrame() {
                frameTimer?.cancel()
                frameTimer = nil
                try receive(frame, context: context)
            }
        } catch {
            return end(Failure(error, trying: "talking to the peer"), context: context)
        }
        if decoder.isInsideFrame, frameTimer == nil {
            frameTimer = after(limits.frame, "a frame that began was not complete", context)
        }
    }

    private func receive(_ frame: ReceivedFrame, context: ChannelHandlerContext) throws {
        if frame.kind == .pong { return }
        if frame.kind == .ping, case .ping(let number) = try frame.message() {
            return try send(.pong(number), context: context)
        }
        firstFrameTimer?.cancel()
        frames += 1
        if let most = rules.framesMax, frames > most {
            throw Failure(.invalid, "reading a frame: only \(most) may be sent here")
        }
        inbox.put(frame, bytes: frame.body.readableBytes)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        heardAt = .now()
        if let first = rules.firstFrame {
            firstFrameTimer = after(first, "nothing complete was said", context)
        }
        if let lifetime = rules.lifetime {
            lifetimeTimer = after(lifetime, "the conversation did not end", context)
        }
        switch rules.liveness {
        case .asks: schedulePing(context)
        case .listens: listen(context)
        case nil: break
        }
    }

    func read(context: ChannelHandlerContext) {
        if !inbox.pauseIfFull() { context.read() }
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        let bytes = unwrapOutboundIn(data).readableBytes
        outgoingBytes += bytes
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.wrote(bytes, context: context)
        }
        context.write(data, promise: written)
        if outgoingBytes > limits.outgoingBytesMax {
            end(
                Failure(.unavailable, "writing to the peer: it does not read"), context: context)
        } else if stallTimer == nil, outgoingBytes > 0 {
            stallTimer = after(limits.stall, "it does not read what is written", context)
        }
    }

    private func wrote(_ bytes: Int, context: ChannelHandlerContext) {
        outgoingBytes -= bytes
        stallTimer?.cancel()
        stallTimer = nil
        if outgoingBytes > 0, inbox.ending == nil {
            stallTimer = after(limits.stall, "it does not read what is written", context)
        }
    }

    private func schedulePing(_ context: ChannelHandlerContext) {
        livenessTimer = context.eventLoop.assumeIsolated().scheduleTask(
            in: TimeAmount(limits.ping)
        ) { self.ping(context) }
    }

    private var isSilent: Bool { .now() - heardAt >= TimeAmount(limits.silence) }

    private func endSilence(_ context: ChannelHandlerContext) {
        let silence = limits.silence
        end(Failure(.timeout, "listening to the peer: silent for \(silence)"), context: context)
    }

    /// Looks again when the silence could have become too long, and not before.
    private func listen(_ context: ChannelHandlerContext) {
        guard !isSilent else { return endSilence(context) }
        livenessTimer = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: heardAt + TimeAmount(limits.silence)
        ) { self.listen(context) }
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard !isSilent else { return endSilence(context) }
        pings += 1
        do {
            try send(.ping(pings), context: context)
            schedulePing(context)
        } catch {
            end(Failure(error, trying: "pinging the peer"), context: context)
        }
    }

    private func send(_ message: Message, context: ChannelHandlerContext) throws {
        let frame = ByteBuffer(bytes: try Frame.encode(message))
        context.channel.writeAndFlush(frame, promise: nil)
    }

    private func after(
        _ limit: Duration, _ what: String, _ context: ChannelHandlerContext
    ) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            self.end(
                Failure(.timeout, "talking to the peer: \(what) within \(limit)"),
                context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(Failure(wire: error, trying: "talking to the peer"), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let cut = Failure(.unavailable, "reading a frame: the peer closed in the middle of it")
        inbox.end(decoder.isInsideFrame ? cut : nil)
        cancelTimers()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        inbox.end(nil)
        cancelTimers()
    }

    private func end(_ failure: Failure, context: ChannelHandlerContext) {
        guard inbox.ending == nil else { return }
        inbox.end(failure)
        cancelTimers()
        context.close(promise: nil)
    }

    private func cancelTimers() {
        for timer in [livenessTimer, frameTimer, firstFrameTimer, lifetimeTimer, stallTimer] {
            timer?.cancel()
        }
    }
}
