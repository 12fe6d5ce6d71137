import Model
import Store
import Support
import Testing

@testable import Coordinator

/// How a start finds out whether the agents obey another state folder than its own.
@Suite struct SupersededTests {
    private static let (controller, worker) = (
        NodeName(unchecked: "controller-1"), NodeName(unchecked: "worker-1")
    )
    private static let larger = ("workers:\n    count: 1", "workers:\n    count: 2")
    private static let raise = "`jeeves epoch raise`"

    /// One controller and one worker that serve.
    private func withServing(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .verify)
            try await body(estate)
        }
    }

    /// The nodes obey another copy of the state folder, which went on to this epoch and gave them
    /// so many specs more.
    private func obey(
        _ estate: Estate, epoch: UInt64, generations: UInt64 = 0,
        _ nodes: [NodeName] = [controller, worker]
    ) {
        estate.agents.change { state in
            for node in nodes {
                let spec = state.agents[node]?.spec
                state.agents[node]?.spec = spec.map { spec in
                    NodeSpec(
                        cluster: spec.cluster, node: node, epoch: epoch,
                        run: RunID(unchecked: "bbbbbbbbbbbbbbbb"),
                        generation: spec.generation + generations, digest: spec.digest,
                        steps: spec.steps)
                }
            }
        }
    }

    private func driver(_ run: StageRun) -> Driver {
        Driver(run: run, children: ChildTime(), progress: { _ in })
    }

    @Test("however often it is started, it is refused until a person raises the epoch")
    func starts() async throws {
        try await withServing { estate in
            let later = try estate.store.epoch() + 3
            obey(estate, epoch: later)
            let made = estate.terraform.ids
            estate.fake.forgetOps()
            for _ in 1...6 {
                try await estate.stops(
                    Provision(), edits: [Self.larger],
                    Sentence(
                        .conflict, "controller-1 obeys epoch \(later)", "driving the nodes: ",
                        fix: Self.raise))
            }
            #expect(try estate.store.epoch() > later)
            let touched = estate.fake.ops.filter { $0.hasPrefix("terraform.") }
            #expect(touched.isEmpty, "its state is left alone too")
            #expect(estate.terraform.ids == made)
            try await estate.drive { run in
                let raised = try await driver(run).raiseEpoch(above: 0)
                #expect(raised.wasRefused && raised.isChange)
            }
            _ = try await estate.says(Provision(), edits: [Self.larger])
            #expect(estate.terraform.ids != made)
        }
    }

    @Test("the same epoch of another run is said to be that")
    func equal() async throws {
        try await withServing { estate in
            let next = try estate.store.epoch() + 1
            obey(estate, epoch: next)
            let words = "controller-1 obeys epoch \(next) of another run, worker-1 obeys epoch"
            try await estate.stops(Provision(), Sentence(.conflict, words, fix: Self.raise))
        }
    }

    @Test("a spec that it never gave is enough, whatever its own epoch is by now")
    func behind() async throws {
        try await withServing { estate in
            obey(estate, epoch: 1, generations: 4, [Self.worker])
            try await estate.stops(
                Provision(),
                Sentence(
                    .conflict, "worker-1 obeys generation 5, which is not known here",
                    fix: Self.raise))
        }
    }

    @Test("all machines are waited for, and one that comes late still stops it")
    func late() async throws {
        try await withServing { estate in
            obey(estate, epoch: 40, [Self.worker])
            estate.agents.change { $0.silent = [Self.worker] }
            estate.after(waits: 20) { await estate.agents.wake(Self.worker) }
            try await estate.stops(
                Provision(), Sentence(.conflict, "worker-1 obeys epoch 40", fix: Self.raise))
        }
    }

    @Test("while another node is awaited, one that says so stops the enrolment at once")
    func enrolment() async throws {
        try await withServing { estate in
            obey(estate, epoch: 40, [Self.controller])
            estate.agents.change { $0.silent = [Self.worker] }
            let start = estate.fake.clock.uptime()
            try await estate.stops(
                Enrol(), Sentence(.conflict, "controller-1 obeys epoch 40", fix: Self.raise))
            #expect(estate.fake.clock.uptime() == start)
        }
    }

    @Test("one agent that obeys this folder is enough after 45 seconds")
    func some() async throws {
        try await withServing { estate in
            estate.agents.change { $0.silent = [Self.worker] }
            let start = estate.fake.clock.uptime()
            let said = try await estate.says(Provision())
            #expect(said == nothingToDo)
            let waited = estate.fake.clock.uptime() - start
            #expect(waited >= .seconds(45) && waited < .seconds(60))
        }
    }

    @Test("without a word of any agent nothing is made; stopped and replaced machines owe none")
    func silence() async throws {
        try await withServing { estate in
            estate.agents.change { $0.silent = [Self.controller, Self.worker] }
            let made = estate.terraform.ids
            try await estate.stops(
                Provision(), edits: [Self.larger],
                Sentence(
                    .timeout,
                    "asking the agents what they obey: controller-1, worker-1 did not connect",
                    fix: "`--replace`"))
            #expect(estate.terraform.ids == made)
            let all = RolloutOptions(replace: [Self.controller, Self.worker])
            try await estate.drive(options: all) { try await $0.awaitWord() }
            estate.account.change { state in
                for index in state.resources.indices { state.resources[index].isStopped = true }
            }
            #expect(try await estate.says(Provision()) == nothingToDo)
        }
    }

    @Test("machines that never had a spec owe no word: a first installation goes on")
    func installation() async throws {
        try await withEstate { estate in
            estate.agents.change { $0.silent = [Self.controller, Self.worker] }
            try await estate.run(upTo: .provision)
            #expect(try await estate.says(Provision()) == nothingToDo)
        }
    }

    @Test("nothing is taken away from a folder that was left behind, and no record is moved")
    func destroyed() async throws {
        try await withServing { estate in
            obey(estate, epoch: 40)
            let before = estate.account.look { ($0.resources, $0.records) }
            let sentence = Sentence(
                .conflict, "controller-1 obeys epoch 40", fix: Self.raise)
            try await estate.drive { run in
                await sentence.check { try await driver(run).destroy() }
                await sentence.check { try await driver(run).syncRecord() }
            }
            #expect(estate.account.look { ($0.resources, $0.records) } == before)
        }
    }

    @Test("a cluster whose agents are silent is taken away all the same")
    func destroyedInSilence() async throws {
        try await withServing { estate in
            estate.agents.change { $0.silent = [Self.controller, Self.worker] }
            try await estate.drive { run in
                let lines = try await driver(run).destroy()
                #expect(lines.count == 2)
            }
            #expect(try estate.infrastructure() == nil)
        }
    }

    @Test("a cluster that is made again owes no word of the one that was taken away")
    func again() async throws {
        try await withServing { estate in
            try await estate.drive { _ = try await driver($0).destroy() }
            for kind in [CollectionName.specs, .statuses] {
                #expect(try estate.store.keys(kind, prefix: "").isEmpty)
            }
            estate.agents.change { $0.silent = [Self.controller, Self.worker] }
            try await estate.run(upTo: .provision)
            #expect(try await estate.says(Provision()) == nothingToDo)
        }
    }
}
