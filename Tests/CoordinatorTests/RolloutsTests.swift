import FoundationEssentials
import Model
import Outside
import Store
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct RolloutsTests {
    private let start = FakeWorld.start

    private func rollout(_ number: Int) -> Rollout {
        let hex = String(number, radix: 16)
        let id = RunID(unchecked: String(repeating: "0", count: 16 - hex.count) + hex)
        var rollout = Rollout(
            id: id, epoch: UInt64(number), startedAt: start.addingTimeInterval(Double(60 * number)))
        rollout.stages = StageName.allCases.map { Rollout.Progress(stage: $0, startedAt: start) }
        return rollout
    }

    private func intent(_ store: Store, of number: Int, isOpen: Bool = false) throws {
        let now = start.addingTimeInterval(Double(60 * number + 30))
        let ledger = Ledger(store)
        let intent = try ledger.begin(
            "app", op: "helm.upgrade", inputs: Hash.sha256("\(number)".utf8), now: now)
        if !isOpen { try ledger.end(intent, outcome: "exit 0", now: now) }
    }

    /// One rollout from its first word to its last.
    private func walk(_ number: Int, in store: Store, openIntent: Bool = false) throws {
        var rollout = rollout(number)
        try Rollouts(store).save(rollout)
        try intent(store, of: number, isOpen: openIntent)
        try Rollouts(store).end(&rollout, as: number % 3 == 0 ? .failed : .done, now: start)
    }

    @Test("the newest fifty rollouts are kept with their intents, and every open intent")
    func retention() async throws {
        try await withStore { store in
            for number in 1...120 { try walk(number, in: store, openIntent: number == 7) }
            let kept = try Rollouts(store).all()
            #expect(kept.map(\.epoch) == (71...120).map(UInt64.init))
            #expect(kept.allSatisfy { $0.endedAt != nil })
            #expect(try Rollouts(store).last()?.epoch == 120)
            let intents = try Ledger(store).all()
            #expect(intents.count == 51)
            let seventh = start.addingTimeInterval(7 * 60 + 30)
            #expect(try Ledger(store).open().map(\.startedAt) == [seventh])
        }
    }

    @Test("what a killed coordinator left running is interrupted, and what has ended stays so")
    func leftovers() async throws {
        try await withStore { store in
            let rollouts = Rollouts(store)
            try walk(1, in: store)
            let done = try #require(try rollouts.last())
            var killed = rollout(2)
            for index in killed.stages.indices.dropLast() { killed.stages[index].state = .done }
            try rollouts.save(killed)
            // As an earlier version wrote it.
            var failed = rollout(3)
            failed.state = .failed
            failed.stages = []
            try rollouts.save(failed)
            let now = start.addingTimeInterval(3600)
            try rollouts.closeLeftovers(now: now)
            let all = try rollouts.all()
            #expect(all.map(\.state) == [.done, .interrupted, .failed])
            #expect(all[0] == done)
            #expect(all[1].endedAt == now && all[2].endedAt == now)
            #expect(all[1].stages.last?.state == .interrupted)
            #expect(all[1].stages.last?.endedAt == now)
            #expect(all[1].stages.first?.state == .done)
            let revision = try store.revision()
            try rollouts.closeLeftovers(now: now + 1)
            #expect(try store.revision() == revision, "nothing is left to write")
        }
    }

    @Test("a year of rollouts, reports and events does not make the state file grow")
    func size() async throws {
        try await withFolder { folder in
            let store = try Store.open(path: "\(folder)/jeeves.db")
            let files = World.live().files
            func bytes() throws -> Int {
                try ["jeeves.db", "jeeves.db-wal"].reduce(0) {
                    $0 + (try files.info("\(folder)/\($1)")?.bytes ?? 0)
                }
            }
            let event = Event(
                at: start, actor: "agent/worker-1", subject: "step/haproxy", cause: "drift",
                outcome: .done, detail: String(repeating: "x", count: 100))
            func day(_ number: Int) throws {
                try walk(number, in: store)
                try store.append(Array(repeating: event, count: 10))
                for node in 1...5 { try store.put(.statuses, "worker-\(node)", "\(number)") }
            }
            // Every bound has been reached then: rollouts, intents, events, deletions.
            for _ in 1...2 { try store.append(Array(repeating: event, count: Store.eventsMax)) }
            for number in 1...60 { try day(number) }
            let before = try bytes()
            for number in 61...365 { try day(number) }
            #expect(try bytes() <= before * 11 / 10)
        }
    }
}
