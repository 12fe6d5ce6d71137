import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// Workers that serve, and that somebody changed where that is only reported.
@Suite struct DriftWalkTests {
    private static let edits = [
        ("workers:\n    count: 1", "workers:\n    count: 3"),
        ("  packages: repair", "  packages: report"),
    ]
    private static let packages = StepID(unchecked: "packages")

    /// Somebody changes these workers.
    private func change(_ workers: [Int], _ estate: Estate) {
        let drift = StepState.drifted(Drift(.missing))
        estate.agents.change { state in
            state.story = []
            for worker in workers {
                let node = NodeName(unchecked: "worker-\(worker)")
                state.agents[node]?.states[Self.packages] = drift
            }
        }
    }

    /// Somebody changes a worker, and its agent says so as it dials again.
    private func changeAndRedial(_ worker: Int, _ estate: Estate) async {
        let node = NodeName(unchecked: "worker-\(worker)")
        await estate.agents.fall(node)
        change([worker], estate)
        estate.agents.change { $0.agents[node]?.welcome = nil }
        await estate.agents.wake(node)
    }

    private func drifted(_ estate: Estate) -> [String] {
        estate.agents.look { state in
            state.agents.filter { $0.value.states[Self.packages]?.drift != nil }.keys.sorted()
        }.map(\.rawValue)
    }

    /// What `stage` says it did, after every agent was heard.
    private func says(
        _ stage: any Stage, _ estate: Estate, edits: [(String, String)] = edits
    ) async throws -> String {
        var said = ""
        try await estate.drive(edits: edits) { run in
            await estate.agents.settle()
            said = try await stage.run(run)
        }
        return said
    }

    /// As `jeeves up`.
    private func up(_ estate: Estate, edits: [(String, String)] = edits) async throws {
        try await estate.drive(edits: edits) { run in
            await estate.agents.settle()
            let driver = Driver(
                run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in })
            _ = try await driver.up()
        }
    }

    @Test("they are mended batch by batch, each stable first, though their spec is the same")
    func mended() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: Self.edits)
            change([2, 3], estate)
            let start = estate.fake.clock.uptime()
            #expect(try await says(Workers(), estate) == "2 changed")
            #expect(estate.agents.look(\.story) == ["worker-2/packages", "worker-3/packages"])
            #expect(estate.fake.clock.uptime() - start >= .seconds(60), "two windows")
            #expect(estate.cluster.look(\.drains).isEmpty, "MicroK8s is the same")
            #expect(drifted(estate).isEmpty)
            #expect(try await says(Workers(), estate) == nothingToDo)
        }
    }

    @Test("nothing is mended before a worker's turn, nor by a coordinator that only serves")
    func kept() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: Self.edits)
            change([2], estate)
            _ = try await says(estate.controllers, estate)
            #expect(drifted(estate) == ["worker-2"])
            let node = NodeName(unchecked: "worker-2")
            let had = try #require(estate.agents.look { $0.agents[node]?.spec })
            #expect(had.mendsDrift == nil)
            let saved = try #require(try estate.store.get(NodeSpec.self, .specs, "worker-2"))
            #expect(saved.mendsDrift == true)
            let driving = Driving(cluster: saved.cluster, epoch: 9, run: saved.run)
            #expect(saved.driven(by: driving, at: []).mendsDrift == nil)
        }
    }

    @Test("one that is changed within its window ends it at once, and no content is held")
    func changedMeanwhile() async throws {
        try await withEstate { estate in
            try await up(estate)
            change([1], estate)
            estate.when(said: "worker-1: packages right") {
                estate.after(waits: 10) { await changeAndRedial(1, estate) }
            }
            let start = estate.fake.clock.uptime()
            let stop = await #expect(throws: Failure.self) { try await up(estate) }
            #expect(stop?.code == .conflict)
            #expect(stop?.message.contains("somebody changed packages meanwhile") == true)
            #expect(estate.fake.clock.uptime() - start < .seconds(60))
            #expect(try HeldContents(store: estate.store).all().isEmpty)
            try await up(estate)
            #expect(drifted(estate).isEmpty)
        }
    }

    @Test("beside a later one that somebody changes none is touched; the next run begins with it")
    func changedLater() async throws {
        try await withEstate { estate in
            try await up(estate)
            let newer = Self.edits + [("channel: 1.34/stable", "channel: 1.35/stable")]
            estate.when(said: "worker-1: open to pods again") {
                estate.after(waits: 10) { await changeAndRedial(3, estate) }
            }
            await Sentence(
                .conflict, "batch 2 of 3 (worker-2): watching worker-3: somebody changed packages",
                "; untouched: worker-3", fix: "`jeeves up` makes it right again"
            ).check { try await up(estate, edits: newer) }
            func given() -> [String] {
                estate.agents.look(\.story).filter { $0.contains(" gets ") }
            }
            #expect(given().isEmpty, "since it was changed")
            #expect(try HeldContents(store: estate.store).all().isEmpty)
            #expect(try await says(Workers(), estate, edits: newer) == "2 changed")
            #expect(given() == ["worker-3 gets 2", "worker-2 gets 2"])
        }
    }

    @Test("a later one that fails by itself holds nothing of what it does not have yet")
    func failsLater() async throws {
        try await withEstate { estate in
            try await up(estate)
            let newer = Self.edits + [("channel: 1.34/stable", "channel: 1.35/stable")]
            estate.when(said: "worker-1: open to pods again") {
                let failure = Failure(.failed, "installing: the hook failed")
                estate.agents.change { $0.broken["worker-3/packages"] = .failed(failure) }
            }
            await Sentence(
                .failed,
                "batch 2 of 3 (worker-2): converging worker-3: installing: the hook failed",
                fix: "`jeeves up` goes on with this batch"
            ).check { try await up(estate, edits: newer) }
            #expect(try HeldContents(store: estate.store).all().isEmpty)
        }
    }

    @Test("one that cannot be mended stops the run, and the content that served is not held")
    func unmendable() async throws {
        try await withEstate { estate in
            try await up(estate)
            change([1], estate)
            let failure = Failure(.failed, "installing: the hook failed")
            estate.agents.change { $0.broken["worker-1/packages"] = .failed(failure) }
            let stop = await #expect(throws: Failure.self) { try await up(estate) }
            #expect(stop?.message.contains("batch 1 of 1 (worker-1)") == true, "\(stop as Any)")
            #expect(try HeldContents(store: estate.store).all().isEmpty)
            estate.agents.change { $0.broken = [:] }
            try await up(estate)
            #expect(drifted(estate).isEmpty)
        }
    }
}

/// How drift changes where a node stands.
@Suite struct DriftedWishTests {
    private static let (old, new) = (
        Digest(unchecked: String(repeating: "1", count: 64)),
        Digest(unchecked: String(repeating: "2", count: 64))
    )

    private func spec(_ worker: Int, _ digest: Digest) -> NodeSpec {
        NodeSpec(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-\(worker)"),
            epoch: 1, run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: digest,
            steps: [])
    }

    /// What is wanted of a worker that is settled with the spec of that digest.
    private func wish(
        _ worker: Int, settled: Digest = DriftedWishTests.new, saved: Digest? = nil,
        isDrifted: Bool = false
    ) -> Wish {
        Wish(
            spec: spec(worker, Self.new), saved: spec(worker, saved ?? settled), instanceID: "i",
            settled: Settled(instanceID: "i", digest: settled), isRight: !isDrifted,
            isDrifted: isDrifted, isObeying: true)
    }

    @Test("a done node that has drifted is torn, and so is one that would be changed anyway")
    func standings() {
        #expect(wish(1).standing == .done)
        #expect(wish(1, isDrifted: true).standing == .torn)
        #expect(wish(1, isDrifted: true).hasDrifted)
        #expect(wish(1, settled: Self.old).standing == .serving)
        let changing = wish(1, settled: Self.old, isDrifted: true)
        #expect(changing.standing == .torn)
        #expect(!changing.hasDrifted, "it was never right with what is wanted")
        #expect(wish(1, settled: Self.old, saved: Self.new, isDrifted: true).standing == .torn)
    }

    @Test("a machine that obeys what is not known here is torn; one that obeys nothing is new")
    func unknown() {
        for (isObeying, standing) in [(true, Batches.Standing.torn), (false, .new)] {
            let wish = Wish(
                spec: spec(1, Self.new), saved: nil, instanceID: "i", settled: nil,
                isRight: false, isDrifted: false, isObeying: isObeying)
            #expect(wish.standing == standing)
        }
        for saved in [nil, spec(1, Self.old)] {
            let wish = Wish(
                spec: spec(1, Self.new), saved: saved, instanceID: "i",
                settled: Settled(instanceID: "i", digest: nil), isRight: saved != nil,
                isDrifted: false, isObeying: true)
            #expect(wish.standing == .torn, "it stays so until it is seen right")
            #expect(wish.isAbandoned == (saved != nil))
        }
    }

    @Test("a plan under way goes on, but for a node that has passed and drifted since")
    func resumed() async throws {
        try await withStore { store in
            func current(_ wishes: [Wish]) throws -> BatchPlan {
                try BatchPlan.current(
                    of: .worker, for: wishes, settings: RolloutSection(), store)
            }
            var plan = try current([wish(1, settled: Self.old), wish(2, settled: Self.old)])
            plan.pass()
            try plan.save(of: .worker, store)
            let second = wish(2, settled: Self.old)
            #expect(try current([wish(1), second]) == plan)
            let again = try current([wish(1, isDrifted: true), second])
            #expect(again.passed == 0)
            #expect(again.batches.map(\.text) == ["worker-1", "worker-2"])
        }
    }

    @Test("a plan under way is made anew for a torn node that it mends after one that serves")
    func mendsFirst() async throws {
        try await withStore { store in
            func current(_ wishes: [Wish]) throws -> BatchPlan {
                try BatchPlan.current(
                    of: .worker, for: wishes, settings: RolloutSection(), store)
            }
            let serving = (1...4).map { wish($0, settled: Self.old) }
            var plan = try current(serving)
            plan.pass()
            try plan.save(of: .worker, store)
            let half = wish(2, settled: Self.old, saved: Self.new)
            let torn = (3...4).map { wish($0, settled: Self.old, isDrifted: true) }
            let rest = Array(serving[2...3])
            #expect(try current([wish(1), half] + rest) == plan, "it was cut off there")
            #expect(try current([wish(1), half, torn[0], rest[1]]) == plan, "it is the next one")
            #expect(
                try current([wish(1), half, rest[0], torn[1]]).batches.map(\.text)
                    == ["worker-2", "worker-4", "worker-3"])
            #expect(
                try current([wish(1), serving[1], torn[0], rest[1]]).batches.map(\.text)
                    == ["worker-3", "worker-2", "worker-4"])
            plan.leave(half.spec.node)
            plan.pass()
            try plan.save(of: .worker, store)
            #expect(try current([wish(1), half] + rest) == plan, "it was left behind")
        }
    }
}
