import Outside
import Synchronization

/// The children that may not be killed and run now, so that whoever leaves at once can ask them to
/// end: Terraform then finishes its requests and writes its state, Helm notes that its release
/// failed.
final class Children: Sendable {
    private let running = Mutex<[ChildID: String]>([:])

    func began(_ child: ChildID, _ program: String) { running.withLock { $0[child] = program } }

    func ended(_ child: ChildID) { running.withLock { $0[child] = nil } }

    /// Asks each, once, and returns what they are called: `terraform (pid 17)`.
    func askToEnd(through processes: any Processes) async -> [String] {
        var asked: [String] = []
        for (child, program) in running.withLock({ $0 }) where processes.isAlive(child) {
            // One that cannot be asked is found by the next run all the same.
            try? await processes.askToEnd(child, op: "interrupt")
            asked.append("\(program) (pid \(child.pid))")
        }
        return asked
    }
}

/// Runs children as `wrapped` does and notes those that may not be killed.
struct NotedProcesses: Processes {
    let wrapped: any Processes
    let children: Children
    /// Told of every child, also of one that may be killed.
    var began: @Sendable (Command) -> Void = { _ in }

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        began(command)
        guard limits.overstay == .left else {
            return try await wrapped.run(
                command, limits: limits, op: op, started: started, line: line)
        }
        let noted = Mutex<ChildID?>(nil)
        defer { noted.withLock { $0.map(children.ended) } }
        return try await wrapped.run(
            command, limits: limits, op: op,
            started: { child in
                noted.withLock { $0 = child }
                children.began(child, command.program)
                try await started(child)
            }, line: line)
    }

    func isAlive(_ child: ChildID) -> Bool { wrapped.isAlive(child) }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        try await wrapped.askToEnd(child, op: op)
    }
}
