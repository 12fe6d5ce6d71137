import Model
import Outside
import Synchronization

/// What to do for an argument vector that begins in a known way.
struct ArgvTable<Answer> {
    private var rows: [(prefix: [String], answer: Answer)] = []

    mutating func add(_ prefix: [String], _ answer: Answer) { rows.append((prefix, answer)) }

    /// The row added last whose prefix fits. A prefix may name the program without its folder.
    func answer(for command: Command) -> Answer? {
        let name = command.program.split(separator: "/").last.map(String.init) ?? command.program
        return rows.last { row in
            guard let program = row.prefix.first else { return true }
            return (program == command.program || program == name)
                && command.arguments.starts(with: row.prefix.dropFirst())
        }?.answer
    }
}

/// Children that do what a test says, by the beginning of their argument vector.
public final class FakeProcesses: Processes {
    /// Plays one child: it may change the fake world, and says how the child ended.
    public typealias Answer = @Sendable (Command) async throws -> Finished

    private struct State {
        var table = ArgvTable<Answer>()
        var commands: [Command] = []
        var limits: [Limits] = []
        var alive: Set<ChildID> = []
        var nextPID: Int32 = 1000
    }

    private let state = Mutex(State())
    private let history: History

    init(history: History) { self.history = history }

    /// Plays children whose argv begins so; what was set last wins.
    public func on(_ argv: String..., answer: @escaping Answer) {
        state.withLock { $0.table.add(argv, answer) }
    }

    /// The child exits 0 and prints `output`.
    public func on(_ argv: String..., prints output: String = "") {
        state.withLock { $0.table.add(argv) { _ in Finished(ending: .exited(0), output: output) } }
    }

    /// All children so far, in order.
    public var commands: [Command] { state.withLock { $0.commands } }

    /// Their argument vectors, program first.
    public var argvs: [[String]] { commands.map { [$0.program] + $0.arguments } }

    /// What each child was allowed.
    public var limits: [Limits] { state.withLock { $0.limits } }

    /// A child of an earlier process of ours that still runs.
    public func survive(_ child: ChildID) { _ = state.withLock { $0.alive.insert(child) } }

    /// That child ends by itself.
    public func end(_ child: ChildID) { _ = state.withLock { $0.alive.remove(child) } }

    public func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        guard let answer = state.withLock({ $0.table.answer(for: command) }) else {
            throw history.surprise(op, "the child \([command.program] + command.arguments)")
        }
        return try await history.effect(op) {
            let child = state.withLock { state in
                state.commands.append(command)
                state.limits.append(limits)
                state.nextPID += 1
                return ChildID(pid: state.nextPID, startTicks: UInt64(state.nextPID) * 10)
            }
            survive(child)
            defer { end(child) }
            try await started(child)
            let finished = try await answer(command)
            for text in finished.output.split(separator: "\n", omittingEmptySubsequences: false)
            where !text.isEmpty { await line(String(text)) }
            return finished
        }
    }

    public func isAlive(_ child: ChildID) -> Bool { state.withLock { $0.alive.contains(child) } }

    public func askToEnd(_ child: ChildID, op: Op) async throws {
        try history.effect(op) { end(child) }
    }
}
