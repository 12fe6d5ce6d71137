import Model
import Support
import Testing

@testable import Coordinator

@Suite struct ControllersTests {
    private static let microk8s = StepID(unchecked: "microk8s")
    private static let steps = ["packages", "haproxy", "certificate", "microk8s"]
    private static let changed = ("connectionsMax: 4000", "connectionsMax: 3000")

    @Test("a new controller gets its spec and is waited for; a second run changes nothing")
    func converges() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .dns)
            try await estate.drive { run in
                let planned = try await Controllers().plan(run)
                #expect(planned.map(\.subject) == Self.steps.map { "controller-1/\($0)" })
                #expect(try run.store.list(.specs).isEmpty, "a plan only reads")
                #expect(try await Controllers().run(run) == "1 converged")
                #expect(try await Controllers().plan(run).isEmpty)
                #expect(try await Controllers().run(run) == nothingToDo)
            }
            let applied = estate.agents.look(\.applied).filter { $0.hasPrefix("controller-1/") }
            #expect(applied == Self.steps.map { "controller-1/\($0)" })
            #expect(estate.lines.contains("controller-1: certificate …"))
        }
    }

    @Test("workers begin meanwhile")
    func workersBegin() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            #expect(estate.agents.look(\.applied).contains("worker-1/packages"))
        }
    }

    @Test("another coordinator finds them right, with the same generation and a higher epoch")
    func again() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            let node = NodeName(unchecked: "controller-1")
            let before = estate.agents.look { $0.agents[node]?.spec }
            #expect(try await estate.says(Controllers()) == nothingToDo)
            let after = estate.agents.look { $0.agents[node]?.spec }
            #expect(after?.generation == before?.generation)
            #expect(try #require(after?.epoch) > #require(before?.epoch))
        }
    }

    @Test("a plan names the step that a node says is not right")
    func drifted() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            let broken = Failure(.conflict, "checking haproxy.cfg: edited by hand, line 3")
            let haproxy = StepID(unchecked: "haproxy")
            estate.agents.change {
                // It stays so, however often the agent tries.
                $0.endings[haproxy] = .failed(broken)
                $0.agents[NodeName(unchecked: "controller-1")]?.states[haproxy] = .failed(broken)
            }
            try await estate.drive { run in
                #expect(try await Enrol().plan(run).isEmpty)
                let planned = try await Controllers().plan(run)
                #expect(planned.map(\.subject) == ["controller-1/haproxy"])
                #expect(planned.first?.note == broken.message)
            }
        }
    }

    @Test("a changed cluster file is a new generation")
    func differs() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            let planned = try await estate.plans(Controllers(), edits: [Self.changed])
            #expect(planned.map(\.detail) == ["step: as it was -> otherwise"], "only one changes")
            #expect(planned.map(\.effects) == [[.reload]])
            #expect(planned.map(\.diff) == ["-old\n+new"])
            let said = try await estate.says(estate.controllers, edits: [Self.changed])
            #expect(said == "1 changed")
            let node = NodeName(unchecked: "controller-1")
            #expect(estate.agents.look { $0.agents[node]?.spec?.generation } == 2)
        }
    }

    @Test("an edge that no longer answers after a change stops the run as a failed gate does")
    func edgeGone() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            estate.when(said: "controller-1: haproxy right") {
                estate.edge.change { $0.refusals = 10_000 }
            }
            try await estate.stops(
                estate.controllers, edits: [Self.changed],
                Sentence(
                    .gate, "batch 1 of 1 (controller-1): watching controller-1: looking at ",
                    "Connection refused", fix: "nothing was reverted"))
            estate.edge.change { $0.refusals = 0 }
            #expect(try await estate.says(estate.controllers, edits: [Self.changed]) == "1 changed")
            #expect(try await estate.says(estate.controllers, edits: [Self.changed]) == nothingToDo)
        }
    }

    @Test("an edge that answers again within two minutes has its window anew")
    func edgeBack() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            estate.when(said: "controller-1: haproxy right") {
                estate.edge.change { $0.refusals = 5 }
            }
            let start = estate.fake.clock.uptime()
            let said = try await estate.says(estate.controllers, edits: [Self.changed])
            #expect(said == "1 changed")
            #expect(estate.fake.clock.uptime() - start > .seconds(50))
        }
    }

    @Test("workers that serve are not handed anything new while the controllers change")
    func workersWait() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers)
            estate.agents.change { $0.story = [] }
            let edits = [("channel: 1.34/stable", "channel: 1.35/stable")]
            #expect(try await estate.says(estate.controllers, edits: edits) == "1 changed")
            #expect(estate.agents.look(\.story).allSatisfy { $0.hasPrefix("controller-1") })
        }
    }

    @Test("killed at any of its waits, it goes on where the nodes are", arguments: 1...8)
    func crashes(wait: Int) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .dns)
            try await estate.drive { run in
                estate.after(waits: wait) {
                    estate.fake.fail("nodes.wait", with: Failure(.failed, "killed"))
                }
                _ = try? await Controllers().run(run)
            }
            try await estate.drive { _ = try await Controllers().run($0) }
            let applied = estate.agents.look(\.applied).filter { $0.hasPrefix("controller-1/") }
            #expect(applied == Self.steps.map { "controller-1/\($0)" }, "each step once")
            let node = NodeName(unchecked: "controller-1")
            #expect(estate.agents.look { $0.agents[node]?.spec?.generation } == 1)
        }
    }

    @Test("a MicroK8s that never becomes ready ends the stage with the node's own words")
    func neverReady() async throws {
        let words = "waiting for MicroK8s: not ready after 5m 00s: kubelite is not running"
        let failure = Failure(.timeout, words, fix: "run `jeeves logs NODE --source microk8s`")
        for retried: Set<StepID> in [[], [Self.microk8s]] {
            try await withEstate { estate in
                estate.agents.change {
                    $0.endings[Self.microk8s] = .failed(failure)
                    $0.retried = retried
                }
                try await estate.run(upTo: .dns)
                try await estate.stops(
                    Controllers(),
                    Sentence(
                        .timeout, "converging controller-1: \(words)",
                        fix: "jeeves logs NODE --source microk8s"))
                #expect(estate.lines.contains("controller-1: microk8s failed: \(words)"))
            }
        }
    }

    /// States that a step stays in, and what is said about it.
    private static let ends: [(StepState, Sentence)] = [
        (
            .failed(Failure(.invalid, "reading haproxy.cfg: line 3", fix: "mend `edge`")),
            Sentence(
                .invalid, "converging controller-1: reading haproxy.cfg: line 3", fix: "mend `edge`"
            )
        ),
        (
            .unsupported,
            Sentence(
                .unsupported, "converging controller-1: its agent does not know microk8s",
                fix: Failure.Fix.sameVersions)
        ),
        (
            .converging(attempt: 1),
            Sentence(
                .timeout, "waiting for controller-1: nothing changed for 15m 00s",
                fix: "journalctl -u jeeves-agent")
        ),
    ]

    @Test("a step that cannot get right ends the stage", arguments: 0..<3)
    func ends(index: Int) async throws {
        let (state, sentence) = Self.ends[index]
        try await withEstate { estate in
            estate.agents.change { $0.endings[Self.microk8s] = state }
            try await estate.run(upTo: .dns)
            try await estate.stops(Controllers(), sentence)
        }
    }

    @Test("nodes that obey a newer copy of the state folder refuse an older one, and it says so")
    func olderCopy() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            let newer = Driving(
                cluster: ClusterID(unchecked: "chat"), epoch: 99,
                run: RunID(unchecked: "bbbbbbbbbbbbbbbb"))
            estate.agents.change { state in
                let node = NodeName(unchecked: "controller-1")
                let spec = state.agents[node]?.spec
                state.agents[node]?.spec = spec?.driven(by: newer, at: [])
            }
            try await estate.stops(
                Controllers(),
                Sentence(
                    .conflict, "handing controller-1 its spec: accepting generation 1: ",
                    "is older than 99", fix: "stop the older coordinator"))
        }
    }

    @Test("a file that the cluster file names and that is not there is told by its key")
    func missingFile() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .dns)
            try await estate.stops(
                Controllers(), edits: [("caFile: \"\"", "caFile: roots.pem")],
                Sentence(
                    .notFound, "reading /p/roots.pem: it is not there",
                    fix: "mend `certificate.acme.caFile` in /p/jeeves.yaml"))
        }
    }
}
