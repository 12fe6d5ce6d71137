import Model
import Outside
import Store
import Support
import Synchronization

@testable import Coordinator

/// One cluster through many schedules: real stages, engine, store, ledger and fences; machines,
/// Terraform, Route 53, Helm and kubectl in memory. Whatever happens, what must hold is written
/// down where it does not.
final class HistoryRun: Sendable {
    private let estate: Estate
    private let found = Mutex<[String]>([])

    init(_ estate: Estate) {
        self.estate = estate
        estate.listen { self.judge(said: $0) }
    }

    /// What did not hold.
    var violations: [String] { found.withLock { $0 } }

    private func blame(_ what: String) { found.withLock { $0.append(what) } }

    /// The first installation: nothing goes wrong in it.
    func install() async throws {
        let wish = DrawnWish(SeededChance(0))
        try await drive(wish) { _ = try await $0.up() }
        try judgeEnd(wish)
    }

    /// Plays a schedule and has a person finish it. Throws what the last `jeeves up` says if it
    /// does not come to its end.
    func play(_ schedule: Schedule) async throws {
        guard let wish = schedule.turns.last?.wish else { return }
        for turn in schedule.turns {
            await arrange(turn.trouble)
            try? await drive(turn.wish) { driver in
                try await self.driving(turn.trouble, driver)
            }
            await mend()
        }
        var failure: (any Error)?
        for _ in 0..<4 {
            do {
                try await drive(wish) { _ = try await $0.retry() }
                return try judgeEnd(wish)
            } catch { failure = error }
            await mend()
        }
        if let failure { throw failure }
    }

    /// One process of `jeeves up`.
    private func drive(
        _ wish: DrawnWish, _ body: @escaping (Driver) async throws -> Void
    ) async throws {
        try await estate.drive(edits: wish.edits) { run in
            try Rollouts(run.store).closeLeftovers(now: run.world.clock.now())
            try await body(
                Driver(
                    run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in }))
        }
    }
}

/// What goes wrong.
extension HistoryRun {
    private func arrange(_ trouble: Turn.Trouble) async {
        let estate = estate
        switch trouble {
        case .none, .aborted, .paused: break
        case .killedAfter(let effect): estate.fake.crash(after: effect)
        case .killedAt(let wait): estate.after(waits: wait) { estate.fake.kill() }
        case .down(let number, let wait, let length):
            let node = NodeName(unchecked: "worker-\(number)")
            estate.after(waits: wait) { await estate.agents.fall(node) }
            estate.after(waits: wait + length) { await estate.agents.wake(node) }
        case .broken(let step, let isOutside):
            let failure = Failure(isOutside ? .unavailable : .failed, "trying: it does not work")
            estate.agents.change { $0.broken["*/\(step)"] = .failed(failure) }
        case .helm:
            estate.cluster.change { $0.upgradeError = "Error: context deadline exceeded" }
        case .drain:
            estate.cluster.change { $0.drainError = "error when evicting pods" }
        case .outage(let wait, let calls):
            estate.after(waits: wait) { estate.cluster.change { $0.outages = calls } }
        }
    }

    private func driving(_ trouble: Turn.Trouble, _ driver: Driver) async throws {
        let (estate, run) = (estate, driver.run)
        @Sendable func order(_ wish: Order.Wish) {
            try? Orders(store: run.store).give(
                Order(rollout: run.driving.run, wish: wish, by: "bob@ci"),
                now: run.world.clock.now())
        }
        switch trouble {
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

    private func mend() async {
        estate.fake.restart()
        estate.forgetWaits()
        estate.agents.change { $0.broken = [:] }
        estate.cluster.change { ($0.upgradeError, $0.drainError, $0.outages) = (nil, nil, 0) }
        for node in estate.agents.look(\.silent) { await estate.agents.wake(node) }
    }
}

/// What must hold.
extension HistoryRun {
    /// At the beginning of a batch of workers: it is no larger than it may be, and beside it no
    /// worker is torn. A torn worker holds up no controller: its Kubernetes must not be the older.
    private func judge(said line: String) {
        guard line.hasPrefix("batch "), let colon = line.firstIndex(of: ":") else { return }
        let batch = Set(
            line[colon...].dropFirst(2).split(separator: ", ").map { NodeName(unchecked: "\($0)") })
        guard batch.contains(where: { $0.rawValue.hasPrefix("worker") }) else { return }
        if batch.count > 2 { blame("too large: \(line)") }
        let agents = estate.agents.look(\.agents)
        let torn = agents.filter { node, agent in
            agent.told?.isConverged(generation: agent.spec?.generation ?? 0) != true
        }.keys
        let isHealthyTouched = !batch.isSubset(of: torn)
        let others = torn.filter { !batch.contains($0) && $0.rawValue.hasPrefix("worker") }
        if isHealthyTouched, !others.isEmpty { blame("\(line), while torn: \(others.sorted())") }
        let closed = estate.cluster.look(\.marked)
        if isHealthyTouched, !closed.subtracting(batch.map(\.rawValue)).isEmpty {
            blame("\(line), while closed: \(closed.sorted())")
        }
    }

    /// After a rollout that came to its end.
    private func judgeEnd(_ wish: DrawnWish) throws {
        let cluster = try exampleCluster(wish.edits)
        for (node, agent) in estate.agents.look(\.agents) {
            let role: MicroK8sSpec.Role =
                node.rawValue.hasPrefix("controller") ? .controller : .worker
            let wanted = NodeSpecs.steps(
                of: cluster, role: role, acme: .init(), controllerAddress: "10.42.0.10")
            if agent.spec?.steps != wanted { blame("\(node) has another spec than is wanted") }
            if !agent.states.values.allSatisfy({ $0 == .converged }) {
                blame("\(node) is not right: \(agent.states)")
            }
        }
        let state = estate.cluster.look { $0 }
        if !state.closed.isEmpty { blame("left closed: \(state.closed.sorted())") }
        if state.revisions.count(where: { $0["status"] == "deployed" }) != 1 {
            blame("releases: \(estate.cluster.statuses())")
        }
        if !state.values.contains(cluster.app.version) { blame("the release is another version") }
        if !state.objects.contains(where: {
            $0.text.contains("traefik:v\(cluster.ingress.version)")
        }) {
            blame("Traefik is another version")
        }
        if state.upgradedBeside.contains(where: { !$0.isEmpty }) {
            blame("the application changed while a worker was closed")
        }
        let marks = state.revisions.map { $0["description"] }
        let pairs = zip(marks, marks.dropFirst())
        if pairs.contains(where: { $0 == $1 && $0 != "Upgrade failed" }) {
            blame("a release was made twice")
        }
        if estate.agents.look(\.minted) != 3 {
            blame("joined anew: \(estate.agents.look(\.minted))")
        }
        if estate.account.look(\.changes) != 1 { blame("the record was written again") }
        if try !Ledger(estate.store).open().isEmpty { blame("intents without an end") }
        let rollouts = try Rollouts(estate.store).all()
        if rollouts.contains(where: { $0.endedAt == nil }) { blame("a rollout without an end") }
        if rollouts.last?.state != .done { blame("the last rollout is not done") }
    }
}
