import FoundationEssentials
import Outside
import Synchronization

/// Clocks that move only when a test says so.
public final class ManualClock: Clocks {
    private struct State {
        var now: Date
        var uptime = Duration.zero
        var nextID = 0
        var sleepers: [Int: (end: Duration, wake: CheckedContinuation<Void, any Error>)] = [:]
        var watchers: [(count: Int, wake: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>
    private let autoAdvance: Bool
    private let history: History?

    /// `autoAdvance`: whoever sleeps moves the clock and goes on.
    public convenience init(now: Date = FakeWorld.start, autoAdvance: Bool = false) {
        self.init(now: now, autoAdvance: autoAdvance, history: nil)
    }

    init(now: Date, autoAdvance: Bool, history: History?) {
        state = Mutex(State(now: now))
        self.autoAdvance = autoAdvance
        self.history = history
    }

    public func now() -> Date { state.withLock { $0.now } }
    public func uptime() -> Duration { state.withLock { $0.uptime } }

    /// Lets time pass on both clocks and wakes who has slept long enough, the earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.uptime += duration
            state.now += duration.seconds
            let due = state.sleepers.filter { $0.value.end <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.end < $1.end }
        }
        for sleeper in due { sleeper.wake.resume() }
    }

    /// Sets the wall clock, as an operator or NTP does; nobody wakes.
    public func setWall(_ date: Date) { state.withLock { $0.now = date } }

    /// Returns as soon as `count` tasks sleep on this clock.
    public func sleeping(_ count: Int = 1) async {
        await withCheckedContinuation { wake in
            let ready = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, wake))
                return false
            }
            if ready { wake.resume() }
        }
    }

    public func sleep(_ duration: Duration, op: Op) async throws {
        try history?.read(op)
        try Task.checkCancellation()
        guard duration > .zero else { return }
        if autoAdvance {
            advance(by: duration)
            return await Task.yield()
        }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { lie(down: id, for: duration, $0) }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.wake
                .resume(throwing: CancellationError())
        }
    }

    private func lie(
        down id: Int, for duration: Duration, _ wake: CheckedContinuation<Void, any Error>
    ) {
        let watchers = state.withLock { state in
            state.sleepers[id] = (state.uptime + duration, wake)
            let ready = state.watchers.filter { $0.count <= state.sleepers.count }
            state.watchers.removeAll { $0.count <= state.sleepers.count }
            return ready
        }
        for watcher in watchers { watcher.wake.resume() }
        // A cancellation that came before the sleeper was listed found nobody to wake.
        if Task.isCancelled {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.wake
                .resume(throwing: CancellationError())
        }
    }
}

/// Random bytes that are the same for the same seed (SplitMix64).
public final class SeededChance: Chance {
    private let state: Mutex<UInt64>

    public init(_ seed: UInt64) { state = Mutex(seed) }

    public func bytes(_ count: Int) -> [UInt8] {
        state.withLock { state in
            (0..<count).map { _ in
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = state
                mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                return UInt8(truncatingIfNeeded: mixed ^ (mixed >> 31))
            }
        }
    }
}
