import NIOCore
import Synchronization

/// How many that have proven nothing yet a listener bears.
public struct StrangerLimits: Sendable, Hashable {
    /// TLS handshakes at the same time.
    public var handshakesMax = 64
    /// The same from one source address.
    public var handshakesPerSourceMax = 16
    /// A handshake takes milliseconds: one that takes longer than this gives way when there is no
    /// room for a newcomer.
    public var givesWayAfter = Duration.seconds(1)
    /// Enrolments at the same time: few enough that they leave descriptors (systemd gives 1024) to
    /// those who have an identity.
    public var enrolmentsMax = 256
    /// Enrolments a second from one source address.
    public var enrolmentsPerSecond = 5.0

    public init() {}
}

/// Counts the connections that have not proven who they are and keeps them few: newcomers are
/// refused at once when there is no room, and slow ones make room.
final class Strangers: Sendable {
    private struct Handshake {
        let id: UInt64
        let source: String
        let since: NIODeadline
        let channel: any Channel
    }

    private struct State {
        /// Oldest first.
        var handshakes: [Handshake] = []
        var enrolments = 0
        var lastID: UInt64 = 0
        var buckets: TokenBuckets
    }

    private let limits: StrangerLimits
    private let state: Mutex<State>

    init(_ limits: StrangerLimits) {
        self.limits = limits
        state = Mutex(State(buckets: TokenBuckets(rate: limits.enrolmentsPerSecond)))
    }

    /// A number for the newcomer's handshake, or nil if there is no room. May close an older, slow
    /// handshake instead.
    func admit(_ channel: any Channel, from source: String) -> UInt64? {
        let now = NIODeadline.now()
        let (id, slow): (UInt64?, (any Channel)?) = state.withLock { state in
            let mine = state.handshakes.filter { $0.source == source }
            var crowd = state.handshakes[...]
            if mine.count >= limits.handshakesPerSourceMax {
                crowd = mine[...]
            } else if state.handshakes.count < limits.handshakesMax {
                crowd = []
            }
            if let oldest = crowd.first {
                guard now - oldest.since >= TimeAmount(limits.givesWayAfter) else {
                    return (nil, nil)
                }
                state.handshakes.removeAll { $0.id == oldest.id }
            }
            state.lastID += 1
            state.handshakes.append(
                Handshake(id: state.lastID, source: source, since: now, channel: channel))
            return (state.lastID, crowd.first?.channel)
        }
        slow?.pipeline.fireUserInboundEventTriggered(Doorway.GiveWay())
        return id
    }

    /// That handshake has ended, however it did.
    func handshakeEnded(_ id: UInt64) {
        state.withLock { $0.handshakes.removeAll { $0.id == id } }
    }

    /// Why one more enrolment from `source` may not begin; nil if it does, and then
    /// `enrolmentEnded` must follow.
    func enrolmentBegins(from source: String) -> Refusal? {
        let now = Duration.nanoseconds(Int64(NIODeadline.now().uptimeNanoseconds))
        return state.withLock { state in
            guard state.buckets.take(source, now: now) else { return .enrolmentRate }
            guard state.enrolments < limits.enrolmentsMax else { return .crowded }
            state.enrolments += 1
            return nil
        }
    }

    func enrolmentEnded() { state.withLock { $0.enrolments -= 1 } }

    /// Closes all that are in a handshake.
    func closeAll() {
        let handshakes = state.withLock { $0.handshakes }
        for handshake in handshakes {
            handshake.channel.eventLoop.execute { handshake.channel.abort() }
        }
    }
}
