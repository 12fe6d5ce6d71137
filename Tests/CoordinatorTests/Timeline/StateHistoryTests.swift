import FoundationEssentials
import Model
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct StateHistoryTests {
    private let day = 86_400.0

    private func keys(_ store: Store, _ node: String = "worker-1") throws -> [String] {
        try store.list(.history, prefix: "node/\(node)/").map(\.key)
    }

    /// Tells `reports` what the node says at each offset.
    private func hear(_ reports: inout NodeReports, _ status: NodeStatus, at offset: Double) throws
    {
        try reports.keep(status, now: FakeWorld.start + offset)
    }

    @Test("a report that tells only the time writes no history, also after a restart")
    func sameAgain() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            try hear(&reports, Reports.make(), at: 0)
            try hear(&reports, Reports.make(at: 5), at: 5)
            reports = NodeReports(store: store)
            try hear(&reports, Reports.make(at: 10), at: 10)
            #expect(try keys(store) == ["node/worker-1/2026-01-01T00:00:00Z"])
            #expect(
                try store.get(NodeStatus.self, .statuses, "worker-1") == Reports.make(at: 10))
            try hear(&reports, Reports.make(boot: "c"), at: 15)
            #expect(try keys(store).last == "node/worker-1/2026-01-01T00:00:15Z")
        }
    }

    @Test("a node that flaps a thousand times an hour leaves few documents, and its last state")
    func flapping() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            try hear(&reports, Reports.make("controller-1"), at: 0)
            for count in 0..<1000 {
                let state = StepState.converging(attempt: count)
                try hear(&reports, Reports.make("worker-1", state), at: Double(count) * 3.6)
            }
            let most = StateHistory.burstMax + 3600 / Int(StateHistory.dampedEvery.seconds)
            #expect(try keys(store).count <= most)
            #expect(try keys(store, "controller-1").count == 1)
            try hear(&reports, Reports.make(), at: 3600)
            try hear(&reports, Reports.make(), at: 3600 + 300)
            let last = try #require(try store.list(.history, prefix: "node/worker-1/").last)
            let state = try JSON.decode(NodeState.self, from: last.value, what: "the last")
            #expect(state == NodeState(Reports.make()))
        }
    }

    @Test("what was replaced over thirty days ago is dropped; what held until then is not")
    func age() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            for (boot, offset) in [("a", 0), ("b", day), ("c", 40 * day)] {
                try hear(&reports, Reports.make(boot: boot), at: offset)
            }
            let kept = try keys(store).map { $0.suffix(20) }
            #expect(kept == ["2026-01-02T00:00:00Z", "2026-02-10T00:00:00Z"])
        }
    }

    @Test("at most 500 changes of a node are kept, the newest")
    func count() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            for count in 0...(StateHistory.keptMax + 9) {
                try hear(
                    &reports, Reports.make(boot: "\(count)"), at: Double(count) * 600)
            }
            #expect(try keys(store).count == StateHistory.keptMax)
            #expect(try keys(store).first == "node/worker-1/2026-01-01T01:40:00Z")
        }
    }

    @Test("a clock that was set back does not hide what is new")
    func clockBack() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            try hear(&reports, Reports.make(boot: "a"), at: 100)
            try hear(&reports, Reports.make(boot: "b"), at: 50)
            let found = try StateHistory.all(NodeState.self, below: "node/", in: store)
            #expect(found["node/worker-1"]?.map(\.state.bootID) == ["b"])
        }
    }

    @Test("texts of a node are cut before they are kept")
    func bounds() {
        for text in ["x", "\u{301}", "\u{1f468}\u{200d}"] {
            let long = "x" + String(repeating: text, count: 100_000)
            let state = NodeState(Reports.make(detail: long, boot: long))
            for kept in [state.steps[0].detail, state.bootID] {
                #expect(kept.unicodeScalars.count == NodeState.scalarsMax)
                #expect(kept.utf8.count <= 4 * NodeState.scalarsMax)
            }
        }
    }
}
