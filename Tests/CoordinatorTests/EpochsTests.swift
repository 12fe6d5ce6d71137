import Model
import Outside
import Store
import Support
import Testing
import Wire

@testable import Coordinator

/// A state folder that the agents have left behind.
@Suite struct EpochsTests {
    private static func workers(_ count: Int) -> (String, String) {
        ("workers:\n    count: 1", "workers:\n    count: \(count)")
    }

    private static let broken = StepState.failed(Failure(.failed, "refreshing: the hook failed"))

    /// A cluster that serves, whose agents obey another copy of the state folder by now: a later
    /// epoch, and specs that this one knows nothing of.
    private func withRestored(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .verify, edits: [Self.workers(3)])
            estate.agents.change { state in
                state.story = []
                for (node, agent) in state.agents {
                    state.agents[node]?.spec = agent.spec.map(Self.later)
                }
            }
            estate.cluster.change { $0.drains = [] }
            try await body(estate)
        }
    }

    private static func later(_ spec: NodeSpec) -> NodeSpec { obeying(40, spec) }

    private static func obeying(_ epoch: UInt64, _ spec: NodeSpec) -> NodeSpec {
        NodeSpec(
            cluster: spec.cluster, node: spec.node, epoch: epoch,
            run: RunID(unchecked: "bbbbbbbbbbbbbbbb"), generation: 7,
            digest: Digest(unchecked: String(repeating: "b", count: 64)), steps: spec.steps)
    }

    private func raiseEpoch(_ estate: Estate, above floor: UInt64 = 0) async throws -> EpochRaise {
        var raise: EpochRaise?
        try await estate.drive(edits: [Self.workers(3)]) { run in
            raise = try await Driver(run: run, children: ChildTime(), progress: { _ in })
                .raiseEpoch(above: floor)
        }
        return try #require(raise)
    }

    @Test("nothing is made from it, and what the agents obey is said")
    func refused() async throws {
        try await withRestored { estate in
            let sentence = Sentence(
                .conflict, "controller-1 obeys epoch 40, worker-1 obeys epoch 40",
                "and this state folder is at ", fix: "`jeeves epoch raise`")
            let made = estate.terraform.ids
            try await estate.stops(Provision(), edits: [Self.workers(4)], sentence)
            try await estate.stops(Enrol(), edits: [Self.workers(3)], sentence)
            #expect(estate.terraform.ids == made)
            #expect(estate.agents.look(\.story).isEmpty)
        }
    }

    @Test("one command lets it drive again, in batches, and nothing is made twice")
    func raised() async throws {
        try await withRestored { estate in
            let made = estate.terraform.ids
            let raise = try await raiseEpoch(estate)
            #expect(raise.to == 40)
            #expect(raise.nodes.map(\.generation) == [7, 7, 7, 7])
            #expect(raise.nodes.map(\.spec) == [.newer, .newer, .newer, .newer])
            #expect(raise.silent.isEmpty)
            let told = try estate.store.events(last: 1).first
            #expect(told?.subject == "cluster/chat")
            #expect(told?.cause == "operator")
            #expect(told?.detail.hasPrefix("epoch raised from \(raise.from) to 40") == true)
            #expect(estate.agents.look(\.story).isEmpty, "no node changes yet")

            try await estate.run(upTo: .verify, edits: [Self.workers(3)])
            let given = estate.agents.look(\.story).filter { $0.contains(" gets ") }
            #expect(
                given
                    == ["controller-1", "worker-1", "worker-2", "worker-3"].map { "\($0) gets 8" }
            )
            #expect(
                estate.cluster.look(\.drains)
                    == (1...3).flatMap { number in
                        ["close", "drain", "open"].map { "\($0) worker-\(number)" }
                    }, "what changes there is not known, so it is emptied first")
            #expect(estate.terraform.ids == made)
            #expect(estate.cluster.look(\.members).count == 4)
            #expect(try await !raiseEpoch(estate).isChange)
        }
    }

    @Test("a node that claims an epoch which nobody can have begun is named, and raises nothing")
    func madeUp() async throws {
        try await withRestored { estate in
            let liar = NodeName(unchecked: "worker-2")
            estate.agents.change { state in
                let spec = state.agents[liar]?.spec
                state.agents[liar]?.spec = spec.map { Self.obeying(1 << 52, $0) }
            }
            await Sentence(
                .conflict, "worker-2 says that it obeys epoch 4503599627370496",
                fix: "`jeeves node revoke worker-2`"
            ).check { try await raiseEpoch(estate) }
            let next = try estate.store.beginEpoch(run: RunID(unchecked: "cccccccccccccccc"))
            #expect(next < 40)
        }
    }

    @Test("workers that obey something and were never seen right from here are changed in batches")
    func unsettled() async throws {
        try await withRestored { estate in
            let workers = (1...3).map { NodeName(unchecked: "worker-\($0)") }
            try estate.store.commit([], workers.map(Settled.forgetting))
            _ = try await raiseEpoch(estate)
            try await estate.run(upTo: .workers, edits: [Self.workers(3)])
            #expect(
                estate.cluster.look(\.drains)
                    == workers.flatMap { node in
                        ["close", "drain", "open"].map { "\($0) \(node)" }
                    })
        }
    }

    @Test("one of those whose batch stopped has its turn again, though the file was edited since")
    func stopped() async throws {
        try await withRestored { estate in
            let workers = (1...3).map { NodeName(unchecked: "worker-\($0)") }
            try estate.store.commit([], workers.map(Settled.forgetting))
            _ = try await raiseEpoch(estate)
            estate.agents.change { $0.broken["worker-1/microk8s"] = Self.broken }
            await #expect(throws: Failure.self) {
                try await estate.run(upTo: .workers, edits: [Self.workers(3)])
            }
            #expect(estate.cluster.look(\.drains) == ["close worker-1", "drain worker-1"])
            estate.agents.change { ($0.broken, $0.story) = ([:], []) }
            estate.cluster.change { $0.drains = [] }
            let newer = ("channel: 1.34/stable", "channel: 1.35/stable")
            try await estate.run(upTo: .workers, edits: [Self.workers(3), newer])
            #expect(
                estate.agents.look(\.story).filter { $0.contains(" gets ") }
                    == [
                        "controller-1 gets 9", "worker-1 gets 9", "worker-2 gets 8",
                        "worker-3 gets 8",
                    ])
            let all = workers.flatMap { node in
                ["close", "drain", "open"].map { "\($0) \(node)" }
            }
            // If its agent was heard in time it is opened before, for it is right by now.
            #expect(estate.cluster.look(\.drains).suffix(all.count - 1) == all.dropFirst())
        }
    }

    @Test("a controller of those is no voice of the cluster before it was right")
    func controller() async throws {
        try await withRestored { estate in
            let node = NodeName(unchecked: "controller-1")
            try estate.store.commit([], [Settled.forgetting(node)])
            _ = try await raiseEpoch(estate)
            estate.agents.change { $0.broken["controller-1/microk8s"] = Self.broken }
            await #expect(throws: Failure.self) {
                try await estate.run(upTo: .controllers, edits: [Self.workers(3)])
            }
            try await estate.drive(edits: [Self.workers(3)]) { run in
                let settled = try run.settledControllers()
                #expect(settled.isEmpty)
            }
            estate.agents.change { $0.broken = [:] }
            try await estate.drive(edits: [Self.workers(3)]) { run in
                for stage in estate.recipe(upTo: .controllers) { _ = try await stage.run(run) }
                let settled = try run.settledControllers()
                #expect(settled == [node])
            }
        }
    }

    @Test("a spec that is still the one that the node obeys is kept")
    func known() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .verify, edits: [Self.workers(3)])
            let raise = try await raiseEpoch(estate, above: 30)
            #expect(raise.to == 30)
            #expect(raise.nodes.map(\.spec) == [.known, .known, .known, .known])
            #expect(try estate.store.list(.specs).count == 4)
            #expect(try estate.store.beginEpoch(run: RunID(unchecked: "cccccccccccccccc")) == 31)
        }
    }

    @Test("a worker that a copy made in the same Terraform state is emptied before it is ended")
    func madeByCopy() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: [Self.workers(2)])
            try await estate.withCopiedStore { copy in
                try await estate.drive(edits: [Self.workers(3)], store: copy) { run in
                    for stage in estate.recipe(upTo: .workers) { _ = try await stage.run(run) }
                }
            }
            #expect(estate.cluster.look(\.members).count == 4)
            estate.cluster.change { $0.drains = [] }
            _ = try await raiseEpoch(estate)
            let planned = try await estate.plans(Provision(), edits: [Self.workers(2)])
            #expect(planned.first?.detail.contains("worker-3 is drained and leaves") == true)
            try await estate.run(upTo: .workers, edits: [Self.workers(2)])
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-3", "drain worker-3", "remove worker-3", "end worker-3",
                ])
            #expect(
                estate.cluster.look(\.members) == ["controller-1", "worker-1", "worker-2"])
            #expect(try Departures(estate.store).all().map(\.phase) == [.gone])
        }
    }

    @Test("machines whose agents do not come are named, and waited for no longer than 45 seconds")
    func silent() async throws {
        try await withRestored { estate in
            estate.agents.change { $0.silent = [NodeName(unchecked: "worker-2")] }
            let start = estate.fake.clock.uptime()
            let raise = try await raiseEpoch(estate)
            #expect(raise.silent.map(\.rawValue) == ["worker-2"])
            #expect(raise.nodes.count == 3)
            #expect(estate.fake.clock.uptime() - start < .seconds(60))
        }
    }

    @Test("numbers that no coordinator ever gave are not counted on from")
    func nonsense() throws {
        let driving = Driving(
            cluster: ClusterID(unchecked: "chat"), epoch: 3,
            run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))
        let node = NodeName(unchecked: "worker-1")
        func hello(epoch: UInt64, generation: UInt64, run: RunID) -> Hello {
            Hello(
                node: node, agentVersion: "1", bootID: "b",
                fence: Fence(
                    of: NodeSpec(
                        cluster: driving.cluster, node: node, epoch: epoch, run: run,
                        generation: generation,
                        digest: Digest(unchecked: String(repeating: "0", count: 64)), steps: [])))
        }
        var greetings = Greetings(driving: driving)
        for (epoch, generation) in [(UInt64.max, UInt64(1)), (1, .max)] {
            #expect(throws: Failure.self) {
                try greetings.note(hello(epoch: epoch, generation: generation, run: driving.run))
            }
        }
        #expect(greetings.nodes.isEmpty)
        try greetings.note(hello(epoch: 3, generation: 1, run: driving.run))
        #expect(greetings.superseding.isEmpty)
        try greetings.note(
            hello(epoch: 3, generation: 1, run: RunID(unchecked: "bbbbbbbbbbbbbbbb")))
        #expect(greetings.superseding.keys.map(\.rawValue) == ["worker-1"])
        greetings.forget(node)
        #expect(greetings.superseding.isEmpty && greetings.nodes.isEmpty)
    }
}
