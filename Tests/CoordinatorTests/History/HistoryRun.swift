import Model
import Store
import Support
import Synchronization

@testable import Coordinator

/// One cluster through many schedules: real stages, engine, store, ledger and fences; machines,
/// Terraform, Route 53, Helm and kubectl in memory. Whatever happens, what must hold is written
/// down where it does not.
final class HistoryRun: Sendable {
    private struct State {
        var found: [String] = []
        /// What who drives now wants.
        var wish = DrawnWish(SeededChance(0))
        /// What the last rollout that a person had finished led to.
        var reached = DrawnWish(SeededChance(0))
        /// A coordinator that sleeps for too long, and how things stood when it woke.
        var sleeper: Task<Void, any Error>?
        var handover: Standing?
    }

    let estate: Estate
    private let state = Mutex(State())

    /// `told` hears what a person is told meanwhile.
    init(_ estate: Estate, told: @escaping @Sendable (String) -> Void = { _ in }) {
        self.estate = estate
        estate.listen { [weak self] line in
            told(line)
            self?.judge(said: line)
        }
    }

    /// What did not hold.
    var violations: [String] { state.withLock { $0.found } }

    private var troubles: Troubles { Troubles(estate: estate) }

    var reached: DrawnWish { state.withLock { $0.reached } }

    var sleeper: Task<Void, any Error>? {
        get { state.withLock { $0.sleeper } }
        set { state.withLock { $0.sleeper = newValue } }
    }

    var handover: Standing? {
        get { state.withLock { $0.handover } }
        set { state.withLock { $0.handover = newValue } }
    }

    func blame(_ what: String) { state.withLock { $0.found.append(what) } }

    /// The first installation: nothing goes wrong in it.
    func install() async throws {
        try await drive(reached) { _ = try await $0.up() }
        try judgeEnd(reached)
    }

    /// Plays a schedule and has a person finish it. Throws what the last `jeeves up` says if it
    /// does not come to its end.
    func play(_ schedule: Schedule) async throws {
        guard let wish = schedule.turns.last?.wish else { return }
        let before = estate.agents.look { ($0.boots, $0.minted) }
        if let copied = schedule.copied { try await driveCopy(copied) }
        for turn in schedule.turns {
            troubles.arrange(turn.trouble)
            try? await drive(turn.wish, replacing: turn.replaced) { driver in
                try await self.up(turn, driver)
            }
            await troubles.mend()
        }
        try await finish(wish)
        let after = estate.agents.look { ($0.boots, $0.minted) }
        if after.0 == before.0, after.1 != before.1 { blame("a ticket for nobody new") }
    }

    private func finish(_ wish: DrawnWish) async throws {
        var failure: (any Error)?
        for _ in 0..<4 {
            do {
                try await drive(wish) { _ = try await $0.retry() }
                return try judgeEnd(wish)
            } catch { failure = error }
            await troubles.mend()
        }
        if let failure { throw failure }
    }

    /// One process of `jeeves up`, of a copy of the state folder if it has another store.
    func drive(
        _ wish: DrawnWish, replacing replaced: Set<NodeName> = [], store: Store? = nil,
        _ body: @escaping (Driver) async throws -> Void
    ) async throws {
        state.withLock { $0.wish = wish }
        let options = RolloutOptions(replace: replaced)
        try await estate.drive(edits: wish.edits, options: options, store: store) { run in
            try Rollouts(run.store).closeLeftovers(now: run.world.clock.now())
            try await body(
                Driver(
                    run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in }))
        }
    }

    private func judge(said line: String) {
        guard let beginning = BatchBeginning(line) else { return }
        let batch = state.withLock { $0.wish.batch }
        for what in beginning.violations(in: estate, batch: batch) { blame(what) }
    }

    private func judgeEnd(_ wish: DrawnWish) throws {
        for what in try Ending(estate: estate, wish: wish).violations() { blame(what) }
        state.withLock { $0.reached = wish }
    }
}
