import Model
import Outside
import Synchronization

/// The process of the code under test died here. Nothing outside can happen until
/// ``FakeWorld/restart()``.
public struct Crash: Error, Hashable, CustomStringConvertible {
    /// The last effect that happened.
    public let op: Op
    public var description: String { "the process was killed after \(op)" }
}

/// The effects of one fake world in their order, and which of them crash or fail.
final class History: Sendable {
    private struct State {
        var ops: [Op] = []
        var crashAt: Int?
        var crashedAfter: Op?
        var failures: [Op: (failure: Failure, times: Int)] = [:]
        var surprises: [String] = []
        var whenCrashed: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())

    var ops: [Op] { state.withLock { $0.ops } }
    var crashedAfter: Op? { state.withLock { $0.crashedAfter } }
    var surprises: [String] { state.withLock { $0.surprises } }

    func crash(after count: Int) {
        precondition(count > 0, "the first effect is number 1")
        state.withLock { $0.crashAt = $0.ops.count + count }
    }

    func kill() {
        let whenCrashed = state.withLock { state in
            state.crashedAfter = state.ops.last ?? "nothing"
            return state.whenCrashed
        }
        whenCrashed()
    }

    func whenCrashed(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenCrashed = action }
    }

    func restart() {
        state.withLock {
            $0.crashAt = nil
            $0.crashedAfter = nil
        }
    }

    func fail(_ op: Op, with failure: Failure, times: Int) {
        state.withLock { $0.failures[op] = (failure, times) }
    }

    func forget() { state.withLock { $0.ops = [] } }

    /// What a fake throws for something that no test set up.
    func surprise(_ op: Op, _ what: String) -> Failure {
        state.withLock { $0.surprises.append("\(op): \(what)") }
        return Failure(.invalid, "fake world: \(op): nothing was set up for \(what)")
    }

    /// Throws ``Crash`` if the process is dead, or the failure that a test set for `op`.
    func read(_ op: Op) throws {
        try state.withLock { state in
            if let op = state.crashedAfter { throw Crash(op: op) }
            try Self.failIfAsked(op, &state)
        }
    }

    /// Lets `body` happen and writes it down. Throws ``Crash`` after it if its turn has come.
    func effect<Value>(_ op: Op, _ body: () throws -> Value) throws -> Value {
        let number = try begin(op)
        let value = try body()
        try end(op, number)
        return value
    }

    func effect<Value>(_ op: Op, _ body: () async throws -> Value) async throws -> Value {
        let number = try begin(op)
        let value = try await body()
        try end(op, number)
        return value
    }

    private func begin(_ op: Op) throws -> Int {
        try state.withLock { state in
            if let op = state.crashedAfter { throw Crash(op: op) }
            state.ops.append(op)
            try Self.failIfAsked(op, &state)
            return state.ops.count
        }
    }

    private func end(_ op: Op, _ number: Int) throws {
        let whenCrashed = try state.withLock { state in
            if let op = state.crashedAfter { throw Crash(op: op) }
            guard state.crashAt == number else { return nil as (@Sendable () -> Void)? }
            state.crashedAfter = op
            return state.whenCrashed
        }
        guard let whenCrashed else { return }
        whenCrashed()
        throw Crash(op: op)
    }

    private static func failIfAsked(_ op: Op, _ state: inout State) throws {
        guard let (failure, times) = state.failures[op], times > 0 else { return }
        state.failures[op] = (failure, times - 1)
        throw failure
    }
}
