import FoundationEssentials
import Model
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct TimelineTests {
    private let start = FakeWorld.start
    private let first = RunID(unchecked: "1111111111111111")
    private let second = RunID(unchecked: "2222222222222222")

    private func stage(
        _ name: StageName, _ began: Double, _ ended: Double?, _ state: Rollout.State = .done
    ) -> Rollout.Progress {
        var entry = Rollout.Progress(stage: name, startedAt: start + began)
        entry.endedAt = ended.map { start + $0 }
        entry.state = state
        entry.summary = "did \(name.rawValue)"
        return entry
    }

    /// A rollout that reached its goal within 100 s, and one that failed between 1000 s and 1300 s
    /// while worker-1 went down with it.
    private func withPast(_ body: (Timeline, Store) throws -> Void) async throws {
        try await withStore { store in
            let rollouts = Rollouts(store)
            let goal = Rollout.Goal(try exampleCluster())
            var done = Rollout(id: first, epoch: 1, startedAt: start, goal: goal)
            done.stages = [stage(.preflight, 0, 10), stage(.provision, 10, 100)]
            func event(_ at: Double, _ subject: String, _ run: RunID) -> Event {
                Event(
                    at: start + at, actor: "ann@desk", subject: subject, cause: "rollout \(run)",
                    outcome: .done, detail: "")
            }
            try store.append([
                event(0, "rollout/\(first)", first), event(100, "stage/provision", first),
                event(60, "effect/terraform.apply", first),
            ])
            try rollouts.end(&done, as: .done, now: start + 100)
            var failed = Rollout(
                id: second, epoch: 2, startedAt: start + 1000,
                goal: Rollout.Goal(try exampleCluster()))
            failed.stages = [
                stage(.preflight, 1000, 1100), stage(.workers, 1100, 1300, .failed),
            ]
            try rollouts.end(&failed, as: .failed, now: start + 1300)
            var reports = NodeReports(store: store)
            try reports.keep(Reports.make(), now: start + 90)
            try reports.keep(Reports.failed("the disk is full", at: 1200), now: start + 1200)
            try body(Timeline(store: store), store)
        }
    }

    @Test("a moment in a rollout has what was wanted before it, its stage, and the nodes then")
    func inFlight() async throws {
        try await withPast { timeline, _ in
            let moment = try timeline.at(start + 1150)
            #expect(moment.desired?.rollout == first)
            #expect(moment.desired?.reachedAt == start + 100)
            let attempted = try #require(moment.attempted)
            #expect(attempted.rollout == second)
            #expect(attempted.stage == .workers)
            #expect(attempted.stageSince == start + 1100)
            #expect(attempted.ending == .failed)
            #expect(moment.nodes.map(\.since) == [start + 90])
            #expect(moment.nodes.first?.state.steps.first?.state == "right")
            let later = try timeline.at(start + 1250)
            #expect(later.nodes.first?.state.steps.first?.detail == "the disk is full")
            #expect(later.attempted == attempted)
        }
    }

    @Test("a step is so since it came into that state, whatever else of its node changed")
    func since() async throws {
        try await withStore { store in
            var reports = NodeReports(store: store)
            try reports.keep(Reports.failed("no", at: 0), now: start)
            try reports.keep(Reports.make(), now: start + 10)
            try reports.keep(Reports.make(boot: "c"), now: start + 20)
            try reports.keep(Reports.failed("no", at: 30), now: start + 30)
            let node = try Timeline(store: store).at(start + 25).nodes.first
            #expect(node?.since == start + 20)
            #expect(node?.stepsSince == [StepID(unchecked: "haproxy"): start + 10])
        }
    }

    @Test("after a rollout that failed nothing is attempted, and what was wanted stays")
    func after() async throws {
        try await withPast { timeline, _ in
            let moment = try timeline.at(start + 5000)
            #expect(moment.attempted == nil)
            #expect(moment.desired?.rollout == first)
            let text = try JSON.encode(moment)
            #expect(try JSON.decode(Moment.self, from: text, what: "a moment") == moment)
        }
    }

    @Test("what nobody wrote down by then is said, with the time of the first word")
    func silence() async throws {
        try await withPast { timeline, _ in
            let moment = try timeline.at(start + 50)
            #expect(moment.desired == nil)
            #expect(moment.nodes.isEmpty)
            #expect(moment.layers == nil)
            #expect(
                moment.unknown == [
                    "what was wanted: nothing was written down before 2026-01-01T00:01:40Z",
                    "node/worker-1: nothing was written down before 2026-01-01T00:01:30Z",
                    "the layers: nothing was written down yet",
                ])
        }
    }

    @Test("a node that has left is not among those that ran later")
    func departed() async throws {
        try await withPast { timeline, store in
            let departure = Departure(
                node: NodeName(unchecked: "worker-1"), instanceID: "i-1", at: start + 2000,
                phase: .leaving, run: second)
            let event = Event(
                at: start + 2000, actor: "ann@desk", subject: "node/worker-1", cause: "test",
                outcome: .started, detail: "leaves")
            try Departures(store).begin([departure], [event])
            #expect(try timeline.at(start + 1999).nodes.count == 1)
            #expect(try timeline.at(start + 2000).nodes.isEmpty)
        }
    }

    @Test("the list has everything once, in its order, and a node's changes in words")
    func list() async throws {
        try await withPast { timeline, _ in
            let entries = try timeline.entries()
            #expect(
                entries.map(\.subject) == [
                    "rollout/\(first)", "stage/preflight", "stage/preflight", "stage/provision",
                    "effect/terraform.apply", "node/worker-1", "stage/provision",
                    "rollout/\(first)", "rollout/\(second)", "stage/preflight", "stage/preflight",
                    "stage/workers", "node/worker-1", "stage/workers", "rollout/\(second)",
                ])
            #expect(entries.first?.actor == "ann@desk")
            #expect(entries[12].what == "haproxy: failed (the disk is full)")
            #expect(entries[12].source == .node)
            let late = try timeline.entries(
                since: start + 1000, node: NodeName(unchecked: "worker-1"))
            #expect(late.map(\.at) == [start + 1200])
        }
    }

    @Test("layers are shown as they were seen by then, and listed when they change")
    func layers() async throws {
        try await withStore { store in
            let history = StateHistory(subject: StateHistory.layers, store: store)
            func see(_ state: ClusterStatus.Layer.State, at offset: Double) throws {
                let layers = [
                    ClusterStatus.Layer(name: "dns", state: .right, detail: "1.2.3.4"),
                    ClusterStatus.Layer(name: "edge", state: state, detail: "looked"),
                ]
                let writes = try history.writes(of: layers, now: start + offset)
                try store.commit([], writes ?? [])
            }
            try see(.right, at: 0)
            try see(.right, at: 60)
            try see(.wrong, at: 120)
            let timeline = Timeline(store: store)
            #expect(try timeline.at(start + 119).layers?.layers.map(\.state) == [.right, .right])
            let wrong = try timeline.at(start + 120).layers
            #expect(wrong?.since == start + 120)
            #expect(wrong?.layersSince == ["dns": start, "edge": start + 120])
            #expect(wrong?.layers.map(\.state) == [.right, .wrong])
            #expect(
                try timeline.entries().map(\.subject) == ["layer/dns", "layer/edge", "layer/edge"])
        }
    }
}
