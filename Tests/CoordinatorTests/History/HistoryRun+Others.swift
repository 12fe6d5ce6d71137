import Model
import Store
import Support

@testable import Coordinator

/// What is written down, and what was done outside.
struct Standing: Hashable {
    let revision: Revision
    private let drains, releases, tickets, applies, records: Int

    init(_ estate: Estate) throws {
        revision = try estate.store.revision()
        (drains, releases) = estate.cluster.look { ($0.drains.count, $0.upgradedBeside.count) }
        tickets = estate.agents.look(\.minted)
        applies = estate.terraform.look(\.applies)
        records = estate.account.look(\.changes)
    }
}

/// What others do while a coordinator drives, or instead of it.
extension HistoryRun {
    /// How many waits a coordinator that has lost its place goes on before its renewal fails, which
    /// is tried every five seconds.
    private static let unaware = 25

    /// `jeeves up`, and what a person or another coordinator does meanwhile.
    func up(_ turn: Turn, _ driver: Driver) async throws {
        let (estate, run) = (estate, driver.run)
        @Sendable func order(_ wish: Order.Wish) {
            try? Orders(store: run.store).give(
                Order(rollout: run.driving.run, wish: wish, by: "bob@ci"),
                now: run.world.clock.now())
        }
        switch turn.trouble {
        case .overtaken(let wait): return await overtake(driver, at: wait, turn.wish)
        case .aborted(let wait): estate.after(waits: wait) { order(.abort) }
        case .paused(let wait):
            estate.after(waits: wait) { order(.pause) }
            estate.when(said: "paused by bob@ci") {
                let before = estate.fake.ops.count
                Task {
                    for _ in 0..<20 { await Task.yield() }
                    if estate.fake.ops.count != before { self.blame("it acts while it rests") }
                    order(.resume)
                }
            }
        default: break
        }
        _ = try await driver.up()
    }

    /// The coordinator is stuck at this wait while another one, on the same store, takes its place
    /// and comes to its end. When it wakes the agents dial it again, and it must change nothing.
    private func overtake(_ driver: Driver, at wait: Int, _ wish: DrawnWish) async {
        handover = nil
        estate.after(waits: wait) { await self.takePlace(of: driver.run, wish) }
        let walking = Task { _ = try await driver.up() }
        sleeper = walking
        let result = await walking.result
        guard let handover else { return }
        if case .success = result { blame("it ended well without its place") }
        if (try? Standing(estate)) != handover { blame("it went on without its place") }
    }

    private func takePlace(of first: StageRun, _ wish: DrawnWish) async {
        await estate.agents.detach()
        try? await drive(wish) { _ = try await $0.up() }
        handover = try? Standing(estate)
        await estate.agents.attach(first.downlinks)
        // It cannot write down what they say, and so their links end.
        while await !first.downlinks.connected().isEmpty { await Task.yield() }
        estate.after(waits: Self.unaware) { self.sleeper?.cancel() }
    }

    /// A copy of the state folder drives once, to another wish. The original, which then begins
    /// with the same epoch, is refused by every machine and says so, until a person raises it.
    func driveCopy(_ wish: DrawnWish) async throws {
        try await estate.withCopiedStore { copy in
            try await drive(wish, store: copy) { _ = try await $0.up() }
        }
        let obeyed = obeyedRuns()
        if Set(obeyed.values).count != 1 { blame("not all obey the copy: \(obeyed)") }
        do {
            try await drive(reached) { _ = try await $0.up() }
            blame("the original drives beside its copy")
        } catch let failure as Failure
            where failure.code == .conflict && failure.message.contains("epoch")
        {}
        if obeyedRuns() != obeyed { blame("the original is obeyed beside its copy") }
        try await drive(reached) { _ = try await $0.raiseEpoch(above: 0) }
    }

    private func obeyedRuns() -> [NodeName: RunID] {
        estate.agents.look(\.agents).compactMapValues { $0.spec?.run }
    }
}
