import FoundationEssentials
import Model
import Outside

/// A machine in memory: what one effect leaves behind the next one finds. Nothing in it waits, and
/// whatever a test did not set up fails by name.
public final class FakeWorld: Sendable {
    /// 2026-01-01T00:00:00Z.
    public static let start = Date(timeIntervalSince1970: 1_767_225_600)

    public let clock: ManualClock
    public let files: FakeFiles
    public let processes: FakeProcesses
    public let units: FakeUnits
    public let network: FakeNetwork
    public let chance: SeededChance
    private let history = History()

    /// `autoAdvance`: sleeping moves the clock at once, so polls end without waiting.
    public init(now: Date = FakeWorld.start, autoAdvance: Bool = true, seed: UInt64 = 1) {
        clock = ManualClock(now: now, autoAdvance: autoAdvance, history: history)
        files = FakeFiles(clock: clock, history: history)
        processes = FakeProcesses(history: history)
        units = FakeUnits(history: history)
        network = FakeNetwork(history: history)
        chance = SeededChance(seed)
    }

    public var world: World {
        World(
            processes: processes, files: files, network: network, units: units, clock: clock,
            chance: chance)
    }

    /// Names of the effects so far, in order: writes, children, unit jobs and sends. Reads, HTTP
    /// GETs and sleeps are not among them.
    public var ops: [Op] { history.ops }

    /// What was asked for and not set up, for a test of code that swallows errors.
    public var surprises: [String] { history.surprises }

    /// The effect after which the process died, until ``restart()``.
    public var crashedAfter: Op? { history.crashedAfter }

    /// The `count`-th effect from now happens and then throws ``Crash``; from then on everything
    /// throws it, as nothing runs after a kill -9, until ``restart()``.
    public func crash(after count: Int) { history.crash(after: count) }

    /// The process dies now, in the middle of its last effect. Of what waits there only the process
    /// is dead.
    public func kill() { history.kill() }

    /// What else dies with the process: it does nothing more there, whatever its code still tries.
    public func whenCrashed(_ action: @escaping @Sendable () -> Void) {
        history.whenCrashed(action)
    }

    /// The process starts again and finds what the dead one left.
    public func restart() { history.restart() }

    /// `op` throws `failure` instead of happening, so many times. Works for reads that have an op
    /// too.
    public func fail(_ op: Op, with failure: Failure, times: Int = 1) {
        history.fail(op, with: failure, times: times)
    }

    /// One effect on something outside that only one test target fakes: it is counted, fails and
    /// crashes as all others do.
    public func effect<Value>(_ op: Op, _ body: () throws -> Value) throws -> Value {
        try history.effect(op, body)
    }

    /// One that waits.
    public func effect<Value>(_ op: Op, _ body: () async throws -> Value) async throws -> Value {
        try await history.effect(op, body)
    }

    /// One read of such a thing.
    public func read(_ op: Op) throws { try history.read(op) }

    /// Empties ``ops``, so that a second run can be looked at alone.
    public func forgetOps() { history.forget() }
}

/// Runs `run` once cleanly and then, for each effect of that run, on a new world that crashes right
/// after it, and once more on what the crash left. `verify` sees every outcome. Throws `invalid` if
/// that run has no effect, which would prove nothing.
public func crashMatrix(
    setup: () async throws -> FakeWorld, run: (World) async throws -> Void,
    verify: (FakeWorld) async throws -> Void
) async throws {
    let clean = try await setup()
    let before = clean.ops.count
    try await run(clean.world)
    try await verify(clean)
    let ops = clean.ops.dropFirst(before)
    guard !ops.isEmpty else {
        throw Failure(.invalid, "crash matrix: the run has no effect after which it could crash")
    }
    for (number, op) in zip(1..., ops) {
        let fake = try await setup()
        fake.crash(after: number)
        do { try await run(fake.world) } catch  where fake.crashedAfter != nil {
            // Whatever the code made of the crash: its process is dead.
        }
        fake.restart()
        do {
            try await run(fake.world)
            try await verify(fake)
        } catch {
            throw Failure(error, trying: "rerun after a crash at effect \(number), \(op)")
        }
    }
}
