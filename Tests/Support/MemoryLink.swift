import Model
import Synchronization
import Wire

/// A link inside one process over the same frames as the real one, with the network's faults on
/// request. It has no clock: a peer that would be found dead after a silence is so at `sever()`.
public final class MemoryLink: Link {
    public let peer: Peer?
    public let incoming: AsyncThrowingStream<Message, any Error>
    private let side: Cable.Side
    private let cable: Cable

    fileprivate init(_ side: Cable.Side, peer: Peer?, cable: Cable) {
        self.side = side
        self.peer = peer
        self.cable = cable
        incoming = cable.incoming(side)
    }

    deinit { cable.close(nil) }

    /// Two ends: each knows the other as the peer that is named first for the other side.
    public static func pair(
        agent: Peer?, coordinator: Peer?
    ) -> (agent: MemoryLink, coordinator: MemoryLink) {
        let cable = Cable()
        return (
            MemoryLink(.agent, peer: coordinator, cable: cable),
            MemoryLink(.coordinator, peer: agent, cable: cable)
        )
    }

    public func send(_ message: Message) async throws {
        try cable.carry(try Frame.encode(message), from: side)
    }

    public func close() async { cable.close(nil) }

    /// Nothing arrives any more, either way, and nobody is told: sends still succeed.
    public func partition() { cable.partition() }

    /// The partition ends and what was sent meanwhile arrives, as TCP would have it.
    public func heal() throws { try cable.heal() }

    /// Both ends find the other dead, as after the silence that pings allow.
    public func sever() {
        cable.close(Failure(.timeout, "listening to the peer: silent for too long"))
    }
}

/// What is between two memory links.
private final class Cable: Sendable {
    enum Side: Int { case agent, coordinator }

    private struct State {
        var decoders = [FrameDecoder(), FrameDecoder()]
        var held: [(frame: [UInt8], from: Side)] = []
        var isPartitioned = false
        var isClosed = false
    }

    private static let waitingMax = 1024

    private let state = Mutex(State())
    private let ends: [AsyncThrowingStream<Message, any Error>]
    private let inlets: [AsyncThrowingStream<Message, any Error>.Continuation]

    init() {
        let made = (0..<2).map { _ in
            AsyncThrowingStream.makeStream(
                of: Message.self, bufferingPolicy: .bufferingOldest(Self.waitingMax))
        }
        ends = made.map(\.stream)
        inlets = made.map(\.continuation)
    }

    func incoming(_ side: Side) -> AsyncThrowingStream<Message, any Error> { ends[side.rawValue] }

    func carry(_ frame: [UInt8], from side: Side) throws {
        try state.withLock { state in
            guard !state.isClosed else {
                throw Failure(.unavailable, "sending a message: the connection is closed")
            }
            guard !state.isPartitioned else {
                guard state.held.count < Self.waitingMax else {
                    throw Failure(.unavailable, "sending a message: the peer does not read")
                }
                return state.held.append((frame, side))
            }
            try deliver(frame, from: side, &state)
        }
    }

    private func deliver(_ frame: [UInt8], from side: Side, _ state: inout State) throws {
        let receiver = 1 - side.rawValue
        state.decoders[receiver].append(frame)
        while let message = try state.decoders[receiver].next() {
            switch message.kind {
            case .ping, .pong: continue
            default: break
            }
            if case .dropped = inlets[receiver].yield(message) {
                throw Failure(.unavailable, "sending a message: the peer does not read")
            }
        }
    }

    func partition() { state.withLock { $0.isPartitioned = true } }

    func heal() throws {
        try state.withLock { state in
            state.isPartitioned = false
            let held = state.held
            state.held = []
            for (frame, side) in held where !state.isClosed {
                try deliver(frame, from: side, &state)
            }
        }
    }

    func close(_ reason: Failure?) {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { for inlet in inlets { inlet.finish(throwing: reason) } }
    }
}
