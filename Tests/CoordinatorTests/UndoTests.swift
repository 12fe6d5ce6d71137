import Model
import Store
import Support
import Testing

@testable import Coordinator

/// Ways back, and content that is not tried again, on a cluster that serves.
@Suite struct UndoTests {
    typealias Edits = [(String, String)]

    static let microk8s: Edits = [("channel: 1.34/stable", "channel: 1.35/stable")]
    static let chat: Edits = [("version: 8.6.1", "version: 8.6.2")]
    static let broken = StepState.failed(
        Failure(.failed, "refreshing: the hook failed", fix: "run `snap change 7` on the node"))

    /// A verb that drives, in a process of its own.
    @discardableResult
    private func drive(
        _ estate: Estate, _ edits: Edits = [],
        _ verb: (Driver) async throws -> UpReport = { try await $0.up() }
    ) async throws -> Rollout {
        var ended: Rollout?
        try await estate.drive(edits: edits) { run in
            let driver = Driver(
                run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in })
            ended = try await verb(driver).rollout
        }
        return try #require(ended)
    }

    /// `jeeves rollout undo`.
    @discardableResult
    private func undo(_ estate: Estate, to named: RunID? = nil) async throws -> Rollout {
        let way = try choose(estate, named)
        let wanted = try #require(way.cluster)
        var ended: Rollout?
        try await estate.drive { run in
            var run = run
            run.cluster = wanted
            let driver = Driver(
                run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in })
            ended = try await driver.undo(way).rollout
        }
        return try #require(ended)
    }

    private func choose(_ estate: Estate, _ named: RunID? = nil) throws -> Undo {
        try Undo.choose(
            named, in: Rollouts(estate.store).all(), held: HeldContents(store: estate.store).all())
    }

    private func channel(_ estate: Estate) -> String? {
        let agent = estate.agents.look { $0.agents[NodeName(unchecked: "controller-1")] }
        for step in agent?.spec?.steps ?? [] {
            if case .microk8s(let spec) = step.body { return spec.channel }
        }
        return nil
    }

    @Test("a change that fails where the chat serves is refused until it is changed or cleared")
    func held() async throws {
        try await withEstate { estate in
            try await drive(estate)
            estate.agents.change { $0.broken["worker-1/microk8s"] = Self.broken }
            await Sentence(
                .failed, "batch 1 of 1 (worker-1): converging worker-1: refreshing",
                fix: "nothing was reverted; `jeeves rollout retry` tries it again, "
                    + "`jeeves rollout undo` goes back"
            ).check { try await drive(estate, Self.microk8s) }
            estate.fake.forgetOps()
            let refusal = Sentence(
                .conflict, "what stage workers would do was tried in rollout",
                "refreshing: the hook failed", fix: "`jeeves rollout retry`")
            await refusal.check { try await drive(estate, Self.microk8s) }
            await refusal.check { try await drive(estate, Self.microk8s + Self.chat) }
            #expect(estate.fake.ops.filter { $0.hasSuffix(".apply") }.isEmpty, "nothing was done")
            estate.agents.change { $0.broken = [:] }
            let retried = try await drive(estate, Self.microk8s) { try await $0.retry() }
            #expect(retried.state == .done)
            let done = try await drive(estate, Self.microk8s)
            #expect(done.state == .done)
        }
    }

    @Test("a change that fails for a reason outside is tried again without a word")
    func outside() async throws {
        try await withEstate { estate in
            try await drive(estate)
            let away = Failure(.unavailable, "asking the store: no answer", fix: "wait")
            estate.agents.change { $0.broken["worker-1/microk8s"] = .failed(away) }
            await Sentence(.unavailable, "no answer", fix: "`jeeves up` goes on here").check {
                try await drive(estate, Self.microk8s)
            }
            estate.agents.change { $0.broken = [:] }
            let done = try await drive(estate, Self.microk8s)
            #expect(done.state == .done)
        }
    }

    @Test("a release that Helm cannot bring up is held, and an edited one is not")
    func release() async throws {
        try await withEstate { estate in
            try await drive(estate)
            estate.cluster.change { $0.upgradeError = "Error: context deadline exceeded" }
            await Sentence(.timeout, "installing release", fix: "`jeeves rollout undo`").check {
                try await drive(estate, Self.chat)
            }
            estate.cluster.change { $0.upgradeError = nil }
            await Sentence(.conflict, "stage app", fix: "retry").check {
                try await drive(estate, Self.chat)
            }
            let other = try await drive(estate, [("version: 8.6.1", "version: 8.6.3")])
            #expect(other.state == .done)
            let asBefore = try await drive(estate)
            #expect(asBefore.state == .done)
        }
    }

    @Test("a first installation that fails is never held: there is nothing to lose")
    func first() async throws {
        try await withEstate { estate in
            estate.cluster.change { $0.upgradeError = "Error: context deadline exceeded" }
            await #expect(throws: Failure.self) { try await drive(estate) }
            estate.cluster.change { $0.upgradeError = nil }
            let done = try await drive(estate)
            #expect(done.state == .done)
        }
    }

    @Test("an undo leads back to the last other wish, and `up` refuses what was undone")
    func goesBack() async throws {
        try await withEstate { estate in
            let first = try await drive(estate)
            let values = estate.cluster.look(\.values)
            let second = try await drive(estate, Self.microk8s + Self.chat)
            #expect(channel(estate) == "1.35/stable")
            #expect(estate.cluster.look(\.values) != values)
            let way = try choose(estate)
            #expect(way.undone.id == second.id && way.checkpoint.id == first.id)
            #expect(
                try way.differences() == [
                    "app.version: 8.6.2 -> 8.6.1", "microk8s.channel: 1.35/stable -> 1.34/stable",
                ])
            let losses = way.losses()
            #expect(losses.count == 2)
            #expect(losses.first?.contains("the database stays as Rocket.Chat 8.6.2") == true)
            let undone = try await undo(estate)
            #expect(undone.state == .done && undone.goal?.undoes == second.id)
            #expect(channel(estate) == "1.34/stable")
            #expect(estate.cluster.look(\.values) == values)
            await Sentence(.conflict, "the cluster file", "undone by coordinator", fix: "retry")
                .check { try await drive(estate, Self.microk8s + Self.chat) }
            await Sentence(.conflict, "stage app", "undone", fix: "retry").check {
                try await drive(estate, Self.chat)
            }
            let done = try await drive(estate)
            #expect(done.state == .done)
            #expect(throws: Failure.self) { try choose(estate) }
            let again = try await drive(estate, Self.microk8s + Self.chat) {
                try await $0.retry()
            }
            #expect(again.state == .done)
            #expect(try choose(estate).checkpoint.goal?.cluster == first.goal?.cluster)
        }
    }

    @Test("that controllers do not go by an undo is said before")
    func fewerControllers() async throws {
        try await withEstate { estate in
            try await drive(estate)
            let three = (
                "controllers:\n    # 1, 3 or 5.\n    count: 1", "controllers:\n    count: 3"
            )
            let grown = try await drive(estate, [three])
            #expect(grown.state == .done)
            let losses = try choose(estate).losses()
            #expect(losses.count == 1)
            #expect(losses.first?.contains("2 have to be named in `jeeves up --replace`") == true)
        }
    }

    @Test("a failed change is undone to what served before it, its drained worker open again")
    func undoesFailed() async throws {
        try await withEstate { estate in
            let first = try await drive(estate)
            estate.agents.change { $0.broken["worker-1/microk8s"] = Self.broken }
            await #expect(throws: Failure.self) { try await drive(estate, Self.microk8s) }
            #expect(estate.cluster.look(\.closed) == ["worker-1"])
            estate.agents.change { $0.broken = [:] }
            #expect(try choose(estate).checkpoint.id == first.id)
            let done = try await undo(estate)
            #expect(done.state == .done)
            #expect(channel(estate) == "1.34/stable")
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }

    @Test("killed after any of its effects, an undo goes on to the same end")
    func crashes() async throws {
        try await withEstates { make in
            var (estate, values) = (try make(), "")
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await drive(estate)
                    values = estate.cluster.look(\.values)
                    try await drive(estate, Self.chat)
                    return estate.fake
                },
                run: { _ in
                    // Once it is through there is nothing left to undo.
                    if try Rollouts(estate.store).last()?.goal?.undoes == nil
                        || Rollouts(estate.store).last()?.state != .done
                    {
                        try await undo(estate)
                    }
                },
                verify: { _ in
                    #expect(estate.cluster.look(\.values) == values)
                    #expect(estate.cluster.statuses().last == "deployed")
                    let last = try Rollouts(estate.store).last()
                    #expect(last?.state == .done && last?.goal?.undoes != nil)
                    #expect(try Ledger(estate.store).open().isEmpty)
                })
        }
    }

    @Test("an undo to a named rollout that was cut off is typed again and holds the same")
    func namedAgain() async throws {
        try await withEstate { estate in
            let first = try await drive(estate)
            let second = try await drive(estate, Self.microk8s)
            estate.agents.change { $0.broken["worker-1/microk8s"] = Self.broken }
            await #expect(throws: Failure.self) { try await undo(estate, to: first.id) }
            estate.agents.change { $0.broken = [:] }
            let undone = try await undo(estate, to: first.id)
            #expect(undone.state == .done && undone.goal?.undoes == second.id)
            let held = try HeldContents(store: estate.store).all().filter { $0.stage == nil }
            let cluster = try #require(second.goal?.cluster)
            #expect(try held.map(\.content) == [Plan.digest(of: cluster)])
        }
    }

    @Test("a rollout that never arrived, or is not kept, is nowhere to go back to")
    func nowhere() async throws {
        try await withEstate { estate in
            await Sentence(.notFound, "no earlier rollout", fix: "`jeeves up`").check {
                try choose(estate)
            }
            try await drive(estate)
            estate.cluster.change { $0.upgradeError = "Error: no" }
            await #expect(throws: Failure.self) { try await drive(estate, Self.chat) }
            let failed = try #require(try Rollouts(estate.store).last())
            await Sentence(.invalid, "it ended as failed", fix: "`done`").check {
                try choose(estate, failed.id)
            }
            await Sentence(.notFound, "no such rollout", fix: "history").check {
                try choose(estate, RunID(unchecked: "ffffffffffffffff"))
            }
        }
    }
}
