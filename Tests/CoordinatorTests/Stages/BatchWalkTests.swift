import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// A change of MicroK8s on three workers that serve.
@Suite struct BatchWalkTests {
    private static let three = ("workers:\n    count: 1", "workers:\n    count: 3")
    private static let microk8s = StepID(unchecked: "microk8s")
    private static let broken = StepState.failed(
        Failure(.failed, "refreshing: the hook failed", fix: "run `snap change 7` on the node"))
    private static let workers = ["worker-1", "worker-2", "worker-3"]

    private func channel(_ channel: String) -> [(String, String)] {
        [Self.three, ("channel: 1.34/stable", "channel: \(channel)/stable")]
    }

    /// Estates whose workers serve, with nothing told so far.
    private func withWorkers(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await serve(estate)
            try await body(estate)
        }
    }

    private func serve(_ estate: Estate) async throws {
        try await estate.run(upTo: .workers, edits: [Self.three])
        estate.agents.change { $0.story = [] }
        estate.cluster.change { $0.drains = [] }
        estate.fake.forgetOps()
    }

    /// What is told of workers that change one after another.
    private func story(_ nodes: [String] = workers, generation: Int = 2) -> [String] {
        nodes.flatMap { node in
            ["\(node) gets \(generation)"]
                + ["packages", "microk8s", "join"].map { "\(node)/\($0)" }
        }
    }

    private func drains(_ nodes: [String] = workers) -> [String] {
        nodes.flatMap { ["close \($0)", "drain \($0)", "open \($0)"] }
    }

    /// What the events say of batches.
    private func batches(_ estate: Estate) throws -> [String] {
        try estate.store.events(last: 100).filter { $0.subject == "batch/workers" }.map {
            "\($0.outcome.rawValue) \($0.detail)"
        }
    }

    @Test("workers are drained, changed and opened again one after another, each stable first")
    func oneByOne() async throws {
        try await withWorkers { estate in
            let start = estate.fake.clock.uptime()
            let planned = try await estate.plans(Workers(), edits: channel("1.35"))
            #expect(
                planned.map(\.effects)
                    == Array(repeating: [.restart, .drain, .irreversible], count: 3))
            let said = try await estate.says(Workers(), edits: channel("1.35"))
            #expect(said == "3 changed")
            #expect(estate.agents.look(\.story) == story())
            #expect(estate.cluster.look(\.drains) == drains())
            #expect(estate.fake.clock.uptime() - start >= .seconds(90), "three windows")
            let again = estate.fake.clock.uptime()
            #expect(try await estate.says(Workers(), edits: channel("1.35")) == nothingToDo)
            #expect(estate.fake.clock.uptime() - again < .seconds(5), "nothing to be stable")
            #expect(try Ledger(estate.store).open().isEmpty)
        }
    }

    @Test("a first installation waits for no window and drains nobody")
    func installation() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers, edits: [Self.three])
            let start = estate.fake.clock.uptime()
            #expect(try await estate.says(Workers(), edits: [Self.three]) == "3 joined")
            #expect(estate.fake.clock.uptime() - start < .seconds(20))
            #expect(estate.cluster.look(\.drains).isEmpty)
        }
    }

    @Test("a new worker beside those that serve joins first, and none of them is touched")
    func oneMore() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers)
            estate.agents.change { $0.story = [] }
            try await estate.run(upTo: .workers, edits: [Self.three])
            let touched = estate.agents.look(\.story).filter { $0.hasPrefix("worker-1") }
            #expect(touched.isEmpty)
            #expect(estate.cluster.look(\.members).count == 4)
            #expect(estate.cluster.look(\.drains).isEmpty)
        }
    }

    @Test("a canary that fails leaves all others untouched, and the next run goes on with it")
    func canaryFails() async throws {
        try await withWorkers { estate in
            estate.agents.change { $0.broken["worker-1/microk8s"] = Self.broken }
            try await estate.stops(
                Workers(), edits: channel("1.35"),
                Sentence(
                    .failed, "batch 1 of 3 (worker-1): converging worker-1: refreshing",
                    "; untouched: worker-2, worker-3",
                    fix: "snap change 7` on the node; nothing was reverted; `jeeves up` goes on "
                        + "with this batch"))
            #expect(estate.agents.look(\.story) == ["worker-1 gets 2", "worker-1/packages"])
            #expect(estate.cluster.look(\.closed) == ["worker-1"], "no pods for a broken node")
            #expect(
                try batches(estate) == [
                    "started batch 1 of 3: worker-1",
                    "failed batch 1 of 3: converging worker-1: refreshing: the hook failed",
                ])
            estate.agents.change { $0.broken = [:] }
            #expect(try await estate.says(Workers(), edits: channel("1.35")) == "3 changed")
            #expect(
                try batches(estate).dropFirst(2)
                    == (1...3).flatMap { number in
                        ["started", "done"].map { "\($0) batch \(number) of 3: worker-\(number)" }
                    }[...])
            #expect(estate.agents.look(\.story) == story())
            #expect(estate.cluster.look(\.drains) == drains())
        }
    }

    @Test("one that becomes right and breaks within the window stops the run")
    func breaksInWindow() async throws {
        try await withWorkers { estate in
            estate.when(said: "worker-1: open to pods again") {
                estate.agents.change { state in
                    let node = NodeName(unchecked: "worker-1")
                    state.broken["worker-1/microk8s"] = Self.broken
                    state.agents[node]?.states[Self.microk8s] = .converging(attempt: 1)
                }
            }
            try await estate.stops(
                Workers(), edits: channel("1.35"),
                Sentence(
                    .failed, "batch 1 of 3 (worker-1): converging worker-1: refreshing",
                    fix: "goes on with this batch"))
            #expect(estate.agents.look(\.story).allSatisfy { $0.hasPrefix("worker-1") })
        }
    }

    @Test("one that the control plane no longer calls ready stops the run after two minutes")
    func unreadyInWindow() async throws {
        try await withWorkers { estate in
            estate.when(said: "worker-1: open to pods again") {
                estate.cluster.change { $0.unready = ["worker-1"] }
            }
            let start = estate.fake.clock.uptime()
            try await estate.stops(
                Workers(), edits: channel("1.35"),
                Sentence(
                    .failed, "watching worker-1: the control plane does not call it ready",
                    fix: "describe node worker-1"))
            #expect(estate.fake.clock.uptime() - start < .seconds(180))
            #expect(estate.agents.look(\.story).allSatisfy { $0.hasPrefix("worker-1") })
        }
    }

    @Test(
        "killed at any of its waits, the next one goes on with the same batches", arguments: 1...7)
    func killedWaiting(part: Int) async throws {
        try await withWorkers { estate in
            try await estate.drive(edits: channel("1.35")) { run in
                estate.killWaiting(after: part * 11)
                _ = try? await Workers().run(run)
            }
            // The second one may be killed at the other wait.
            _ = try? await estate.says(Workers(), edits: channel("1.35"))
            estate.spareWaiting()
            _ = try await estate.says(Workers(), edits: channel("1.35"))
            #expect(estate.agents.look(\.story) == story())
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }

    @Test("killed after any of its effects, it ends with every worker changed once and open")
    func killedActing() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await serve(estate)
                    return estate.fake
                },
                run: { _ in
                    try await estate.drive(edits: channel("1.35")) {
                        _ = try await Workers().run($0)
                    }
                },
                verify: { _ in
                    #expect(estate.agents.look(\.story) == story())
                    #expect(estate.cluster.look(\.closed).isEmpty)
                    #expect(estate.cluster.look(\.marked).isEmpty)
                    let open = try Ledger(estate.store).open()
                    #expect(open.isEmpty)
                })
        }
    }

    @Test(
        "a file edited on the way is a new plan: nodes get the newest spec only, broken ones first")
    func edited() async throws {
        try await withWorkers { estate in
            estate.when(said: "batch 2 of 3") {
                estate.agents.change { $0.broken["worker-2/microk8s"] = Self.broken }
            }
            _ = try? await estate.says(Workers(), edits: channel("1.35"))
            estate.agents.change {
                $0.broken = [:]
                $0.story = []
            }
            let said = try await estate.says(Workers(), edits: channel("1.36"))
            #expect(said == "3 changed")
            #expect(
                estate.agents.look(\.story)
                    == story(["worker-2"], generation: 3) + story(["worker-1"], generation: 3)
                    + story(["worker-3"]))
        }
    }

    @Test("a node that was off while its turn came gets the current spec only")
    func returns() async throws {
        try await withWorkers { estate in
            let node = NodeName(unchecked: "worker-2")
            estate.agents.change { $0.silent = [node] }
            try await estate.stops(
                Workers(), edits: channel("1.35"),
                Sentence(.timeout, "waiting for worker-2: nothing changed", fix: "jeeves status"))
            #expect(estate.agents.look(\.story).isEmpty, "nobody is touched beside a dead one")
            estate.agents.change { $0.silent = [] }
            #expect(try await estate.says(Workers(), edits: channel("1.36")) == "3 changed")
            let told = estate.agents.look(\.story).filter { $0.hasPrefix("worker-2 gets") }
            #expect(told.count == 1)
        }
    }

    @Test("beside a node that goes down on the way no further one is touched")
    func goesDown() async throws {
        try await withWorkers { estate in
            let node = NodeName(unchecked: "worker-3")
            estate.after(waits: 20) { await estate.agents.fall(node) }
            try await estate.stops(
                Workers(), edits: channel("1.35"),
                Sentence(
                    .failed,
                    "batch 2 of 3 (worker-2): watching worker-3: its agent does not report",
                    fix: "journalctl -u jeeves-agent"))
            #expect(estate.agents.look(\.story) == story(["worker-1"]))
            estate.agents.change { $0.silent = [] }
            #expect(try await estate.says(Workers(), edits: channel("1.35")) == "2 changed")
            #expect(estate.agents.look(\.story) == story())
        }
    }

    @Test("a batch that goes on and on ends at its deadline, named by its first node")
    func deadline() async throws {
        try await withWorkers { estate in
            estate.agents.change { $0.broken["worker-1/microk8s"] = .converging(attempt: 1) }
            let start = estate.fake.clock.uptime()
            try await estate.stops(
                Workers(),
                edits: channel("1.35") + [("deadlineSeconds: 1800", "deadlineSeconds: 120")],
                Sentence(
                    .timeout,
                    "batch 1 of 3 (worker-1): waiting for worker-1: it is not right after",
                    fix: "goes on with this batch"))
            #expect(estate.fake.clock.uptime() - start < .seconds(180))
        }
    }

    @Test("as many workers as allowed are left behind, and the summary names them")
    func leftBehind() async throws {
        try await withWorkers { estate in
            estate.when(said: "batch 2 of 3") {
                estate.agents.change { $0.broken["worker-2/microk8s"] = Self.broken }
            }
            let edits = channel("1.35") + [("failuresMax: 0", "failuresMax: 1")]
            let said = try await estate.says(Workers(), edits: edits)
            #expect(said == "2 changed, worker-2 failed")
            #expect(estate.cluster.look(\.closed) == ["worker-2"])
            // The next run mends it, and touches nobody else.
            estate.agents.change {
                $0.broken = [:]
                $0.story = []
            }
            let again = try await estate.says(Workers(), edits: edits)
            #expect(again == "1 changed")
            #expect(estate.agents.look(\.story).allSatisfy { $0.hasPrefix("worker-2") })
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }

    @Test("what fails because somebody outside does not answer ends the run whatever is allowed")
    func outside() async throws {
        try await withWorkers { estate in
            let away = Failure(.unavailable, "asking the store: no answer", fix: "wait")
            estate.agents.change { $0.broken["worker-1/microk8s"] = .failed(away) }
            let edits = channel("1.35") + [("failuresMax: 0", "failuresMax: 3")]
            try await estate.stops(
                Workers(), edits: edits,
                Sentence(
                    .unavailable, "batch 1 of 3 (worker-1): ", "untouched: worker-2, worker-3",
                    fix: "nothing was reverted: once that answers again, `jeeves up` goes on"))
        }
    }
}
