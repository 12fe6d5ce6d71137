import FoundationEssentials
import Model
import Outside
import Store
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct RolloutDeskTests {
    private let id = RunID(unchecked: "0123456789abcdef")

    /// A desk beside a coordinator that holds the lease and runs a rollout in its first stage.
    private func withDesk(
        _ body: (RolloutDesk, Store, World, inout Rollout) async throws -> Void
    ) async throws {
        try await withFounded { project, live in
            var world = live
            world.clock = ManualClock(autoAdvance: true)
            let store = try Store.open(path: project.store)
            let desk = try RolloutDesk(project, world: world)
            await Sentence(.notFound, "there is none", fix: "run `jeeves up`").check {
                try desk.find(nil)
            }
            _ = try store.acquireLease(
                holder: "ann@desk, jeeves up", now: world.clock.now(), ttl: .seconds(3600))
            var rollout = Rollout(id: id, epoch: 1, startedAt: world.clock.now())
            rollout.stages = [Rollout.Progress(stage: .preflight, startedAt: world.clock.now())]
            try Rollouts(store).save(rollout)
            try await body(desk, store, world, &rollout)
        }
    }

    @Test("status says who drives since when, and what the last rollout does")
    func status() async throws {
        try await withDesk { desk, _, world, rollout in
            let status = try desk.status()
            #expect(status.holder == "ann@desk, jeeves up")
            #expect(status.since == world.clock.now())
            #expect(status.rollout == rollout)
            #expect(try desk.history(10) == [rollout])
            #expect(try desk.history(0).isEmpty)
        }
    }

    @Test("a rollout's record has its programs and its events, and nobody else's")
    func record() async throws {
        try await withDesk { desk, store, world, rollout in
            let ledger = Ledger(store)
            let intent = try ledger.begin(
                "app", op: "helm.upgrade", inputs: Hash.sha256([]), now: world.clock.now())
            try ledger.end(intent, outcome: "exit 0", now: world.clock.now())
            func event(_ subject: String, _ cause: String) -> Event {
                Event(
                    at: world.clock.now(), actor: "ann@desk", subject: subject, cause: cause,
                    outcome: .done, detail: "")
            }
            try store.append([
                event("stage/app", "rollout \(id)"), event("rollout/\(id)", "operator"),
                event("step/haproxy", "drift"),
            ])
            let record = try desk.record(id)
            #expect(record.rollout == rollout)
            #expect(record.intents.map(\.op) == ["helm.upgrade"])
            #expect(record.events.map(\.subject) == ["stage/app", "rollout/\(id)"])
        }
    }

    @Test("each order is given once, and the second time there is nothing to do")
    func orders() async throws {
        try await withDesk { desk, store, _, _ in
            let orders = Orders(store: store)
            #expect(try desk.resume(nil, by: "bob@ci") == .idle("rollout \(id) is not paused"))
            #expect(try desk.pause(nil, by: "bob@ci") == .told(id))
            #expect(try orders.current(for: id)?.wish == .pause)
            #expect(
                try desk.pause(id, by: "bob@ci")
                    == .idle("rollout \(id) was told to pause already"))
            #expect(try desk.resume(id, by: "bob@ci") == .told(id))
            #expect(try desk.abort(nil, by: "bob@ci") == .told(id))
            let revision = try store.revision()
            #expect(try desk.abort(nil, by: "cid@ci") == .told(id))
            #expect(try store.revision() == revision, "it is being aborted already")
            #expect(throws: Failure.self) { try desk.resume(id, by: "bob@ci") }
            let events = try store.events(last: 10)
            #expect(events.map(\.actor) == ["bob@ci", "bob@ci", "bob@ci"])
            #expect(events.map(\.detail) == ["told to pause", "told to resume", "told to abort"])
        }
    }

    @Test("a rollout that ended, or whose process died, is told nothing; the way on is named")
    func nobody() async throws {
        try await withDesk { desk, store, world, rollout in
            let lease = try #require(try store.lease())
            try store.release(lease)
            let dead = Sentence(
                .unavailable, "the process that ran it has ended", fix: "run `jeeves up`")
            await dead.check { try desk.pause(nil, by: "bob@ci") }
            await dead.check { try desk.resume(nil, by: "bob@ci") }
            await dead.check { try await desk.follow(self.id) { _ in } }
            #expect(
                try desk.abort(nil, by: "bob@ci")
                    == .idle("the process that ran rollout \(id) has ended; `jeeves up` goes on"))
            try Rollouts(store).end(&rollout, as: .done, now: world.clock.now())
            #expect(
                try desk.abort(nil, by: "bob@ci") == .idle("rollout \(id) has ended (done)"))
            #expect(try store.events(last: 10).isEmpty)
        }
    }

    @Test("watching tells what each node does, and usual times of earlier rollouts")
    func nodes() async throws {
        try await withDesk { desk, store, world, rollout in
            let node = NodeName(unchecked: "controller-1")
            try store.put(
                .meta, StageRun.infrastructureKey,
                Infrastructure(
                    account: "1", roleName: "r",
                    machines: [
                        node: .init(
                            role: .controller, instanceID: "i-1", privateAddress: "10.42.0.10",
                            publicAddress: "203.0.113.9")
                    ]))
            try store.put(.specs, node.rawValue, RolloutProgressTests.spec)
            try store.put(
                .statuses, node.rawValue,
                RolloutProgressTests.status(.converged, .converging(attempt: 1)))
            rollout.stages[0] = Rollout.Progress(stage: .controllers, startedAt: world.clock.now())
            try Rollouts(store).save(rollout)
            var heard: [RolloutProgress] = []
            let end = rollout
            _ = try await desk.follow(id) { progress in
                heard.append(progress)
                guard case .doing = progress else { return }
                var ended = end
                try? Rollouts(store).end(&ended, as: .done, now: world.clock.now())
            }
            #expect(
                heard.contains(
                    .doing(Activity("controller-1", "certificate: asking", done: 1, of: 2))))
            #expect(heard.last == .closed(isDone: true))
        }
    }

    @Test("watching tells each stage once, and ends as the rollout's own `jeeves up` does")
    func watching() async throws {
        try await withDesk { desk, store, world, rollout in
            var heard: [RolloutProgress] = []
            rollout.stages[0].state = .failed
            rollout.stages[0].failure = Failure(
                .gate, "stage verify: the chat does not answer", fix: "look at the pods")
            rollout.stages[0].endedAt = world.clock.now()
            try Rollouts(store).end(&rollout, as: .failed, now: world.clock.now())
            let ended = try await desk.follow(id) { heard.append($0) }
            let entry = rollout.stages[0]
            #expect(
                heard.dropFirst() == [
                    .started(.preflight, at: entry.startedAt), .ended(entry),
                    .closed(isDone: false),
                ])
            let outlook = StageOutlook(stage: .dns, usualSeconds: nil)
            #expect(heard.first == .outline([outlook]), "a rollout without a goal")
            await Sentence(.gate, "the chat does not answer", fix: "look at").check {
                try desk.judge(ended)
            }
            rollout.state = .interrupted
            #expect(throws: CancellationError.self) { try desk.judge(rollout) }
            rollout.state = .aborted
            await Sentence(.failed, "aborted it; stage preflight", fix: "run `jeeves up`").check {
                try desk.judge(rollout)
            }
        }
    }
}
