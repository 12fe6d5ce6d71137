import Model
import Outside
import Synchronization

/// Adds up the time in which child programs run, so that what Jeeves itself costs can be told
/// apart. Two that run at once take their time once.
final class ChildTime: Sendable {
    private struct State {
        var sum = Duration.zero
        var running = 0
        var since = Duration.zero
    }

    private let state = Mutex(State())

    func began(at now: Duration) {
        state.withLock { state in
            if state.running == 0 { state.since = now }
            state.running += 1
        }
    }

    func ended(at now: Duration) {
        state.withLock { state in
            state.running -= 1
            if state.running == 0 { state.sum += now - state.since }
        }
    }

    /// Of those that have ended.
    func total() -> Duration { state.withLock { $0.sum } }
}

/// Runs children as `wrapped` does and tells `time` of them.
struct TimedProcesses: Processes {
    let wrapped: any Processes
    let clock: any Clocks
    let time: ChildTime

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        time.began(at: clock.uptime())
        defer { time.ended(at: clock.uptime()) }
        return try await wrapped.run(
            command, limits: limits, op: op, started: started, line: line)
    }

    func isAlive(_ child: ChildID) -> Bool { wrapped.isAlive(child) }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        try await wrapped.askToEnd(child, op: op)
    }
}

extension World {
    /// The same world, whose children's time is added to `time`.
    func timing(_ time: ChildTime) -> World {
        var world = self
        world.processes = TimedProcesses(wrapped: processes, clock: clock, time: time)
        return world
    }
}
