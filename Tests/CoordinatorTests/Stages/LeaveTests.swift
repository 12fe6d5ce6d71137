import FoundationEssentials
import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// Workers that leave: by another count, replaced, or gone by themselves.
@Suite struct LeaveTests {
    private static let three = ("workers:\n    count: 1", "workers:\n    count: 3")
    private static let two = ("workers:\n    count: 1", "workers:\n    count: 2")

    private func options(_ names: String...) -> RolloutOptions {
        RolloutOptions(replace: Set(names.map(NodeName.init(unchecked:))))
    }

    /// Three workers that serve.
    private func withThree(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await prepare(estate)
            try await body(estate)
        }
    }

    private func prepare(_ estate: Estate) async throws {
        try await estate.run(upTo: .workers, edits: [Self.three])
        estate.cluster.change { $0.drains = [] }
        estate.fake.forgetOps()
    }

    private func go(
        _ estate: Estate, _ options: RolloutOptions, _ edit: (String, String) = three
    ) async throws {
        try await estate.drive(edits: [edit], options: options) { run in
            _ = try await Engine(
                recipe: estate.recipe(upTo: .workers), run: run, children: ChildTime(),
                progress: { _ in }
            ).walk()
        }
    }

    private func instance(_ node: String, _ estate: Estate) throws -> String? {
        try estate.infrastructure()?.machines[NodeName(unchecked: node)]?.instanceID
    }

    @Test("a worker that is no longer wanted is emptied, forgotten by the cluster, and then ended")
    func removed() async throws {
        try await withThree { estate in
            let planned = try await estate.plans(Provision(), edits: [Self.two])
            #expect(planned.map(\.action) == [.delete])
            #expect(planned.first?.detail.contains("worker-3 is drained and leaves") == true)
            #expect(planned.first?.detail.contains("cannot be undone") == true)
            #expect(estate.cluster.look(\.drains).isEmpty, "a plan only reads")
            try await estate.run(upTo: .workers, edits: [Self.two])
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-3", "drain worker-3", "remove worker-3", "end worker-3",
                ])
            try verifyTwo(estate)
            estate.fake.forgetOps()
            #expect(try await estate.says(Provision(), edits: [Self.two]) == nothingToDo)
            #expect(try await estate.says(Workers(), edits: [Self.two]) == nothingToDo)
            #expect(!estate.fake.ops.contains("kubectl.drain"))
        }
    }

    private func verifyTwo(_ estate: Estate) throws {
        #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1", "worker-2"])
        #expect(estate.cluster.look(\.closed).isEmpty)
        let known = try estate.infrastructure()
        #expect(known?.nodes(.worker).map(\.rawValue) == ["worker-1", "worker-2"])
        for collection in [CollectionName.specs, .statuses] {
            #expect(try estate.store.get(collection, "worker-3") == nil)
        }
        #expect(try Settled.read(NodeName(unchecked: "worker-3"), estate.store) == nil)
        #expect(try Departures(estate.store).all().map(\.phase) == [.gone])
        #expect(try Ledger(estate.store).open().isEmpty)
    }

    @Test("killed after any of its effects, a removal ends with one machine less")
    func removalCrashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await prepare(estate)
                    return estate.fake
                },
                run: { _ in try await estate.run(upTo: .workers, edits: [Self.two]) },
                verify: { _ in
                    try verifyTwo(estate)
                    let ended = estate.account.look(\.resources).filter(\.isTerminated)
                    #expect(ended.count == 1)
                })
        }
    }

    @Test("a worker that cannot be emptied stops the run; nothing is ended and all are open")
    func budget() async throws {
        try await withThree { estate in
            estate.cluster.change {
                $0.drainError = """
                    error when evicting pods/"nats-0" -n "chat" (will retry after 5s): Cannot evict \
                    pod as it would violate the pod's disruption budget.
                    """
            }
            let one = ("workers:\n    count: 1", "workers:\n    count: 1")
            try await estate.stops(
                Provision(), edits: [one],
                Sentence(
                    .conflict, "draining worker-2: not empty after", "chat/nats-0",
                    fix: "get poddisruptionbudgets"))
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-2", "close worker-3", "drain worker-2", "open worker-2",
                    "open worker-3",
                ])
            #expect(estate.account.look(\.resources).allSatisfy { !$0.isTerminated })
            #expect(estate.terraform.look(\.applies) == 1)
            #expect(try Departures(estate.store).all().isEmpty)
            estate.cluster.change { $0.drainError = nil }
            try await estate.run(upTo: .workers, edits: [one])
            #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1"])
        }
    }

    @Test("a worker that is down goes only when a person has named it, and is not waited for")
    func down() async throws {
        try await withThree { estate in
            estate.cluster.change { $0.unready = ["worker-3"] }
            await estate.agents.fall(NodeName(unchecked: "worker-3"))
            let sentence = Sentence(
                .conflict, "letting worker-3 go: the control plane does not call it ready",
                fix: "jeeves up --replace worker-3")
            try await estate.stops(Provision(), edits: [Self.two], sentence)
            #expect(estate.cluster.look(\.drains).isEmpty)
            try await go(estate, options("worker-3"), Self.two)
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-3", "remove worker-3", "end worker-3",
                ])
            try verifyTwo(estate)
        }
    }

    @Test("a controller that does not answer keeps every worker")
    func unreachable() async throws {
        try await withThree { estate in
            estate.agents.change { $0.silent = [NodeName(unchecked: "controller-1")] }
            try await estate.stops(
                Provision(), edits: [Self.two],
                Sentence(
                    .timeout, "letting worker-3 go: waiting for controller-1 to connect",
                    fix: "jeeves status"))
            #expect(estate.terraform.look(\.applies) == 1)
        }
    }

    @Test("a member that came back before its machine ended is removed once more")
    func revenant() async throws {
        try await withThree { estate in
            try await estate.run(upTo: .provision, edits: [Self.two])
            estate.cluster.change { $0.admit("worker-3") }
            try await estate.run(upTo: .workers, edits: [Self.two])
            try verifyTwo(estate)
        }
    }
}

/// The same name, another machine.
extension LeaveTests {
    @Test("a named worker is emptied and forgotten, and a new machine joins under its name")
    func replaced() async throws {
        try await withThree { estate in
            let before = try instance("worker-2", estate)
            try await go(estate, options("worker-2"))
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-2", "drain worker-2", "remove worker-2", "end worker-2",
                ])
            try verifyReplaced(estate, before: before)
            #expect(estate.agents.look(\.minted) == 4)
            #expect(try await estate.says(Provision(), edits: [Self.three]) == nothingToDo)
            let after = try instance("worker-2", estate)
            try await go(estate, options("worker-2"))
            #expect(try instance("worker-2", estate) != after, "what serves is replaced again")
        }
    }

    private func verifyReplaced(_ estate: Estate, before: String?) throws {
        #expect(try instance("worker-2", estate) != before)
        try verifyThree(estate)
        #expect(estate.account.look(\.resources).filter(\.isTerminated).map(\.id) == [before])
    }

    private func verifyThree(_ estate: Estate) throws {
        let members = estate.cluster.look(\.members).sorted()
        #expect(members == ["controller-1", "worker-1", "worker-2", "worker-3"])
        #expect(estate.cluster.look(\.closed).isEmpty)
        #expect(estate.cluster.look(\.unready).isEmpty)
        #expect(try Departures(estate.store).all().allSatisfy { $0.phase == .gone })
        #expect(try Ledger(estate.store).open().isEmpty)
    }

    @Test("killed after any of its effects and wished again, a worker is replaced once")
    func replacementCrashes() async throws {
        try await withEstates { make in
            var estate = try make()
            var before: String?
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await prepare(estate)
                    before = try instance("worker-2", estate)
                    return estate.fake
                },
                run: { _ in
                    // Of a rollout that came to its end nobody repeats the wish.
                    if try Rollouts(estate.store).last()?.state != .done {
                        try await go(estate, options("worker-2"))
                    }
                },
                verify: { _ in try verifyReplaced(estate, before: before) })
        }
    }

    @Test("killed after any of its effects and not wished again, every worker serves")
    func forgottenWish() async throws {
        try await withEstates { make in
            var estate = try make()
            var runs = 0
            try await crashMatrix(
                setup: {
                    runs = 0
                    estate = try make()
                    try await prepare(estate)
                    return estate.fake
                },
                run: { _ in
                    runs += 1
                    try await go(estate, runs == 1 ? options("worker-2") : RolloutOptions())
                },
                verify: { _ in try verifyThree(estate) })
        }
    }

    @Test("a machine that was ended by hand is made again, and its old member is forgotten first")
    func lost() async throws {
        try await withThree { estate in
            let before = try instance("worker-2", estate)
            estate.terraform.lose("worker-2")
            estate.cluster.change { $0.unready = ["worker-2"] }
            await estate.agents.fall(NodeName(unchecked: "worker-2"))
            let planned = try await estate.plans(Provision(), edits: [Self.three])
            #expect(planned.map(\.detail).contains { $0.hasPrefix("the machine of worker-2 is") })
            estate.agents.change { $0.silent = [] }
            try await estate.run(upTo: .workers, edits: [Self.three])
            #expect(estate.cluster.look(\.drains) == ["remove worker-2"])
            #expect(try instance("worker-2", estate) != before)
            try verifyThree(estate)
        }
    }

    @Test("one that has left cannot stay, though it is wanted again: its machine is made anew")
    func wantedAgain() async throws {
        try await withThree { estate in
            let before = try instance("worker-3", estate)
            estate.fake.fail("terraform.apply", with: Failure(.failed, "no network"))
            await #expect(throws: Failure.self) {
                try await estate.run(upTo: .workers, edits: [Self.two])
            }
            try await estate.run(upTo: .workers, edits: [Self.three])
            #expect(try instance("worker-3", estate) != before)
            try verifyThree(estate)
        }
    }

    @Test("no more workers that serve are replaced at once than a batch has")
    func batch() async throws {
        try await withThree { estate in
            try await estate.stops(
                Provision(), edits: [Self.three], options: options("worker-1", "worker-2"),
                Sentence(
                    .conflict, "replacing worker-1, worker-2: `rollout.batch` lets 1",
                    fix: "one after another"))
            #expect(estate.cluster.look(\.drains).isEmpty)
        }
    }

    @Test("the certificate and the instance of the machine that left are refused, later ones not")
    func identity() async throws {
        try await withThree { estate in
            let node = NodeName(unchecked: "worker-2")
            let old = try instance("worker-2", estate)
            let before = try #require(old)
            try await estate.drive(edits: [Self.three], options: options("worker-2")) { run in
                _ = try await Provision().run(run)
                let departures = Departures(run.store)
                let last = try departures.last(of: node)
                let left = try #require(last?.at)
                let second = Date(
                    timeIntervalSince1970: left.timeIntervalSince1970.rounded(.down))
                for issuedAt in [left.addingTimeInterval(-60), second] {
                    #expect(throws: Failure.self) {
                        try departures.admit(node, issuedAt: issuedAt)
                    }
                }
                try departures.admit(node, issuedAt: second.addingTimeInterval(1))
                #expect(throws: Failure.self) {
                    try departures.admit(node, instanceID: before)
                }
                try departures.admit(node, instanceID: "i-other")
                try departures.admit(
                    NodeName(unchecked: "worker-1"), issuedAt: left.addingTimeInterval(-60))
            }
        }
    }
}
