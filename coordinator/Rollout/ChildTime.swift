import Model
import Outside
import Synchronization

/// Adds up the time that child programs take, so that what Jeeves itself costs can be told apart.
final class ChildTime: Sendable {
    private let sum = Mutex(Duration.zero)

    func add(_ duration: Duration) { sum.withLock { $0 += duration } }

    func total() -> Duration { sum.withLock { $0 } }
}

/// Runs children as `wrapped` does and adds their time to `time`.
struct TimedProcesses: Processes {
    let wrapped: any Processes
    let clock: any Clocks
    let time: ChildTime

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        let start = clock.uptime()
        defer { time.add(clock.uptime() - start) }
        return try await wrapped.run(
            command, limits: limits, op: op, started: started, line: line)
    }

    func isAlive(_ child: ChildID) -> Bool { wrapped.isAlive(child) }

    func terminate(_ child: ChildID, op: Op) async throws {
        try await wrapped.terminate(child, op: op)
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
