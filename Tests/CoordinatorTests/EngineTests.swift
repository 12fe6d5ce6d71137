import Model
import Outside
import Support
import Synchronization
import Testing

@testable import Coordinator

@Suite struct EngineTests {
    /// A stage that does what a test says.
    private struct Act: Stage {
        let name: StageName
        let act: @Sendable (StageRun) async throws -> String

        init(
            _ name: StageName,
            _ act: @escaping @Sendable (StageRun) async throws -> String = { _ in "done" }
        ) {
            self.name = name
            self.act = act
        }

        func plan(_ run: StageRun) async throws -> [Change] { [] }
        func run(_ run: StageRun) async throws -> String { try await act(run) }
    }

    /// What a person saw of a walk.
    private final class Seen: Sendable {
        private let kept = Mutex<[RolloutProgress]>([])
        var all: [RolloutProgress] { kept.withLock { $0 } }
        func note(_ progress: RolloutProgress) { kept.withLock { $0.append(progress) } }
    }

    private func saved(_ estate: Estate) throws -> Rollout {
        try #require(try Rollouts(estate.store).last())
    }

    private func walk(
        _ recipe: [any Stage], _ estate: Estate, seen: Seen = Seen(), time: ChildTime = ChildTime()
    ) async throws {
        try await estate.drive { run in
            _ = try await Engine(
                recipe: recipe, run: run, children: time, progress: { seen.note($0) }
            ).walk()
        }
    }

    @Test("stages run in their order, and each is saved before it acts and after it ended")
    func order() async throws {
        try await withEstate { estate in
            let seen = Seen()
            let store = estate.store
            let recipe = [
                Act(.preflight),
                Act(.provision) { run in
                    let now = try store.get(Rollout.self, .rollouts, run.driving.run.rawValue)
                    #expect(now?.stages.map(\.state) == [.done, .running])
                    #expect(now?.state == .running)
                    return "made"
                },
            ]
            try await walk(recipe, estate, seen: seen)
            let rollout = try saved(estate)
            #expect(rollout.state == .done && rollout.endedAt != nil)
            #expect(rollout.stages.map(\.summary) == ["done", "made"])
            #expect(
                seen.all
                    == rollout.stages.flatMap {
                        [.started($0.stage, at: $0.startedAt), .ended($0)]
                    })
        }
    }

    @Test("a stage that fails ends the walk with its failure, saved; the next walk begins anew")
    func failure() async throws {
        try await withEstate { estate in
            let tries = Mutex(0)
            let recipe = [
                Act(.preflight),
                Act(.provision) { _ in
                    let count = tries.withLock {
                        $0 += 1
                        return $0
                    }
                    guard count > 1 else {
                        throw Failure(.conflict, "planning: this would lose", fix: "type this")
                    }
                    return "made"
                },
                Act(.enrol),
            ]
            let sentence = Sentence(
                .conflict, "stage provision: planning: this would lose", fix: "type this")
            await sentence.check { try await walk(recipe, estate) }
            let failed = try saved(estate)
            #expect(failed.state == .failed && failed.endedAt != nil)
            #expect(failed.stages.map(\.state) == [.done, .failed])
            #expect(failed.stages.last?.failure?.code == .conflict)
            try await walk(recipe, estate)
            let done = try saved(estate)
            #expect(done.id != failed.id && done.epoch > failed.epoch)
            #expect(done.stages.map(\.state) == [.done, .done, .done])
        }
    }

    @Test("an interrupted stage is saved as such, and is no failure")
    func interrupted() async throws {
        try await withEstate { estate in
            let recipe = [Act(.preflight) { _ in throw CancellationError() }, Act(.provision)]
            await #expect(throws: CancellationError.self) { try await walk(recipe, estate) }
            let rollout = try saved(estate)
            #expect(rollout.state == .interrupted && rollout.endedAt != nil)
            #expect(rollout.stages.map(\.failure) == [nil])
        }
    }

    @Test("a stage that makes a failure of being cancelled was interrupted all the same")
    func cancelled() async throws {
        try await withEstate { estate in
            let recipe = [
                Act(.preflight) { _ in
                    withUnsafeCurrentTask { $0?.cancel() }
                    throw Failure(.failed, "applying: terraform was ended by signal 15")
                }
            ]
            let work = Task { try await walk(recipe, estate) }
            await #expect(throws: CancellationError.self) { try await work.value }
            let rollout = try saved(estate)
            #expect(rollout.state == .interrupted)
        }
    }

    @Test("a paused rollout rests before its next stage and says so; resumed, it goes on")
    func pause() async throws {
        try await withEstate { estate in
            let (store, orders) = (estate.store, Orders(store: estate.store))
            let recipe = [
                Act(.preflight) { run in
                    let stale = Order(
                        rollout: RunID(unchecked: "ffffffffffffffff"), wish: .abort, by: "ann@desk")
                    try orders.give(stale, now: run.world.clock.now())
                    return "nobody obeys what was told to another"
                },
                Act(.provision) { run in
                    let order = Order(rollout: run.driving.run, wish: .pause, by: "ann@desk")
                    try orders.give(order, now: run.world.clock.now())
                    return "made"
                },
                Act(.enrol),
            ]
            let work = Task { try await walk(recipe, estate) }
            for await _ in try store.watch(from: 0)
            where (try? Rollouts(store).last())??.state == .paused { break }
            let paused = try saved(estate)
            #expect(paused.stages.map(\.state) == [.done, .done, .running])
            let said = "paused by ann@desk before stage enrol; go on with `jeeves rollout resume`"
            #expect(estate.lines.contains { $0.hasPrefix(said) })
            try orders.give(
                Order(rollout: paused.id, wish: .resume, by: "bob@ci"), now: paused.startedAt)
            try await work.value
            #expect(try saved(estate).state == .done)
            let told = try store.events(last: 20).filter { $0.subject == "rollout/\(paused.id)" }
            #expect(told.map(\.outcome) == [.started, .done, .paused, .done, .started, .done])
        }
    }

    @Test("a paused rollout can be aborted; what is told to it after that is refused")
    func pausedAbort() async throws {
        try await withEstate { estate in
            let orders = Orders(store: estate.store)
            let recipe = [
                Act(.preflight) { run in
                    let order = Order(rollout: run.driving.run, wish: .pause, by: "ann@desk")
                    try orders.give(order, now: run.world.clock.now())
                    return "done"
                },
                Act(.provision) { _ in
                    Issue.record("it goes on")
                    return ""
                },
            ]
            let work = Task { try await walk(recipe, estate) }
            for await _ in try estate.store.watch(from: 0)
            where (try? Rollouts(estate.store).last())??.state == .paused { break }
            let id = try saved(estate).id
            try orders.give(Order(rollout: id, wish: .abort, by: "bob@ci"), now: FakeWorld.start)
            await Sentence(
                .failed, "bob@ci aborted it; stage provision may be half done",
                fix: "run `jeeves up` to go on"
            ).check { try await work.value }
            #expect(try saved(estate).state == .aborted)
            await Sentence(.conflict, "to resume: it is being aborted", fix: "jeeves up").check {
                try orders.give(
                    Order(rollout: id, wish: .resume, by: "bob@ci"), now: FakeWorld.start)
            }
        }
    }

    @Test("what a rollout does is told by events; a stage that did nothing is none")
    func events() async throws {
        try await withEstate { estate in
            let recipe = [
                Act(.preflight) { _ in nothingToDo }, Act(.provision) { _ in "made 3" },
                Act(.enrol) { _ in throw Failure(.timeout, "waiting: nobody came") },
            ]
            await #expect(throws: Failure.self) { try await walk(recipe, estate) }
            let id = try saved(estate).id
            let events = try estate.store.events(last: 20)
            #expect(
                events.map { "\($0.subject) \($0.outcome) \($0.detail)" } == [
                    "rollout/\(id) started ", "stage/provision done made 3",
                    "stage/enrol failed stage enrol: waiting: nobody came",
                    "rollout/\(id) failed in stage enrol",
                ])
            #expect(events.allSatisfy { $0.cause == "rollout \(id)" })
        }
    }

    @Test("children that run at once take their time once")
    func overlap() {
        let time = ChildTime()
        time.began(at: .seconds(10))
        time.began(at: .seconds(12))
        time.ended(at: .seconds(15))
        #expect(time.total() == .zero, "one runs still")
        time.ended(at: .seconds(20))
        time.began(at: .seconds(30))
        time.ended(at: .seconds(31))
        #expect(time.total() == .seconds(11))
    }

    @Test("the time of children is told apart, by stage")
    func childTime() async throws {
        try await withEstate { estate in
            let time = ChildTime()
            estate.fake.processes.on("slow") { _ in
                estate.fake.clock.advance(by: .seconds(40))
                return Finished(ending: .exited(0))
            }
            let recipe = [
                Act(.preflight) { run in
                    try await run.world.clock.sleep(.seconds(5), op: "test.wait")
                    return ""
                },
                Act(.provision) { run in
                    _ = try await run.world.timing(time).processes.run(
                        Command("slow", []), limits: Limits(deadline: .seconds(60)), op: "slow")
                    return ""
                },
            ]
            try await walk(recipe, estate, time: time)
            #expect(try saved(estate).stages.map(\.childSeconds) == [0, 40])
        }
    }
}
