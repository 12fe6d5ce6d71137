import Model
import Outside
import Synchronization

/// A systemd in memory: units have states, jobs change them, transient units do what a test says.
public final class FakeUnits: Units {
    private struct State {
        var units: [String: UnitState] = [:]
        var table = ArgvTable<FakeProcesses.Answer>()
        var jobs: [String: @Sendable () async throws -> Void] = [:]
        var ran: [TransientUnit] = []
    }

    private let state = Mutex(State())
    private let history: History

    init(history: History) { self.history = history }

    /// A unit's state; nil is what systemd calls not-found.
    public subscript(unit: String) -> UnitState? {
        get { state.withLock { $0.units[unit] } }
        set { state.withLock { $0.units[unit] = newValue } }
    }

    /// A loaded unit, running or not.
    public func install(_ unit: String, running: Bool = true) {
        self[unit] = .loaded(running ? "active" : "inactive")
    }

    /// Plays transient units whose command begins so; what was set last wins.
    public func on(_ argv: String..., answer: @escaping FakeProcesses.Answer) {
        state.withLock { $0.table.add(argv, answer) }
    }

    /// What happens besides the change of state when `unit` gets that job; it may throw.
    public func onJob(
        _ verb: UnitVerb, _ unit: String, _ body: @escaping @Sendable () async throws -> Void
    ) {
        state.withLock { $0.jobs["\(verb) \(unit)"] = body }
    }

    /// All transient units so far, in order.
    public var ran: [TransientUnit] { state.withLock { $0.ran } }

    public func state(_ unit: String) async throws -> UnitState {
        try history.read("units.state")
        return self[unit]
            ?? UnitState(load: "not-found", active: "inactive", result: "success", exitCode: 0)
    }

    public func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws {
        guard let old = self[unit] else { throw history.surprise(op, "the unit \(unit)") }
        try await history.effect(op) {
            guard old.load == "loaded" else {
                throw Failure(.failed, "\(verb) of \(unit): Unit \(unit) is \(old.load).")
            }
            try await state.withLock { $0.jobs["\(verb) \(unit)"] }?()
            self[unit] = .loaded(verb == .stop ? "inactive" : "active")
        }
    }

    public func mask(_ unit: String, op: Op) async throws {
        if self[unit]?.load == "masked" { return try history.read(op) }
        try history.effect(op) {
            self[unit] = UnitState(
                load: "masked", active: "inactive", result: "success", exitCode: 0)
        }
    }

    public func run(_ unit: TransientUnit, op: Op) async throws -> Finished {
        guard let answer = state.withLock({ $0.table.answer(for: unit.command) }) else {
            throw history.surprise(op, "the transient unit running \(unit.command)")
        }
        return try await history.effect(op) {
            state.withLock { $0.ran.append(unit) }
            return try await answer(unit.command)
        }
    }
}

extension UnitState {
    static func loaded(_ active: String) -> UnitState {
        UnitState(load: "loaded", active: active, result: "success", exitCode: 0)
    }
}
