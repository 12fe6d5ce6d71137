import Model
import Store
import Support
import Synchronization
import Testing

@testable import Coordinator

/// What `jeeves plan --refresh-only` sees: the world beside what the last rollout left.
@Suite struct DriftTests {
    /// A plan for what the last rollout reached, while the cluster file says `edits`.
    private func drift(_ estate: Estate) async throws -> Plan {
        let cluster = try RolloutDesk(store: estate.store, world: estate.fake.world).reached()
            .cluster
        var found: Plan?
        try await estate.drive { run in
            var run = run
            run.cluster = cluster
            found = try await driver(run, estate).plan()
        }
        return try #require(found)
    }

    private func driver(_ run: StageRun, _ estate: Estate) -> Driver {
        Driver(run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in })
    }

    private func up(_ estate: Estate, _ edits: [(String, String)] = []) async throws {
        try await estate.drive(edits: edits) { _ = try await driver($0, estate).up() }
    }

    @Test("a plan and a walk tell first which stages follow, and in the end that none does")
    func outline() async throws {
        try await withEstate { estate in
            let told = Mutex<[RolloutProgress]>([])
            func driver(_ run: StageRun) -> Driver {
                Driver(run: run, recipe: estate.recipe(), children: ChildTime()) { progress in
                    told.withLock { $0.append(progress) }
                }
            }
            func heard() -> [RolloutProgress] {
                told.withLock { told in
                    defer { told = [] }
                    return told.filter { if case .line = $0 { false } else { true } }
                }
            }
            let stages = estate.recipe().map(\.name)
            for isFirst in [true, false] {
                try await estate.drive { _ = try await driver($0).up() }
                let walked = heard()
                guard case .outline(let outlook) = walked.first else {
                    Issue.record("it begins with \(walked.prefix(1))")
                    return
                }
                #expect(outlook.map(\.stage) == stages)
                #expect(outlook.allSatisfy { ($0.usualSeconds == nil) == isFirst })
                #expect(walked.last == .closed(isDone: true))
            }
            try await estate.drive { _ = try await driver($0).plan() }
            let planned = heard()
            #expect(
                planned.first
                    == .outline(stages.map { StageOutlook(stage: $0, usualSeconds: nil) }))
            #expect(planned.last == .closed(isDone: true))
        }
    }

    @Test("a cluster that is as it was left has no drift, whatever the file says by now")
    func none() async throws {
        try await withEstate { estate in
            try await up(estate, UndoTests.chat)
            #expect(try await drift(estate).changes.isEmpty)
            try await estate.drive { run in
                let plan = try await driver(run, estate).plan()
                #expect(!plan.changes.isEmpty, "what the file says now is another version")
            }
        }
    }

    @Test("what changed in a node, in Terraform's account and in the record is told, and only that")
    func some() async throws {
        try await withEstate { estate in
            try await up(estate)
            let haproxy = StepID(unchecked: "haproxy")
            let edited = Failure(.conflict, "checking haproxy.cfg: edited by hand, line 3")
            estate.agents.change {
                $0.endings[haproxy] = .failed(edited)
                $0.agents[NodeName(unchecked: "controller-1")]?.states[haproxy] = .failed(edited)
            }
            estate.terraform.lose("worker-1")
            let ops = estate.fake.ops.count
            let found = try await drift(estate)
            #expect(
                found.changes.map(\.subject) == [
                    "module.worker[\"worker-1\"].aws_instance.this", "controller-1/haproxy",
                ])
            #expect(found.changes.last?.note == edited.message)
            let writes = estate.fake.ops.dropFirst(ops).filter { $0.hasSuffix(".apply") }
            #expect(writes.isEmpty, "it only reads")
        }
    }

    @Test("before a rollout has reached its end there is nothing to compare with")
    func unreached() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .dns)
            let desk = RolloutDesk(store: estate.store, world: estate.fake.world)
            let told = #expect(throws: Failure.self) { try desk.reached().cluster }
            #expect(told?.code == .notFound)
        }
    }
}
