import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// Controllers that leave: replaced, or no longer wanted.
extension SeveralControllersTests {
    @Test("a named controller is emptied and leaves, and a new machine joins under its name")
    func replaced() async throws {
        try await withThree { estate in
            let before = try instance("controller-2", estate)
            try await go(estate, replacing: "controller-2")
            #expect(
                estate.cluster.look(\.drains) == [
                    "close controller-2", "drain controller-2", "remove controller-2",
                    "end controller-2",
                ])
            #expect(estate.agents.look(\.joins) == ["controller-2 through controller-1"])
            try verifyReplaced("controller-2", estate, before: before)
            let touched = estate.agents.look(\.story).filter { !$0.hasPrefix("controller-2") }
            #expect(touched.isEmpty)
        }
    }

    private func verifyReplaced(_ node: String, _ estate: Estate, before: String?) throws {
        #expect(try instance(node, estate) != before)
        #expect(estate.account.look(\.resources).filter(\.isTerminated).map(\.id) == [before])
        try verifyWhole(estate)
    }

    private func verifyWhole(_ estate: Estate) throws {
        #expect(estate.cluster.look(\.members).sorted() == Self.all)
        #expect(estate.cluster.look(\.closed).isEmpty)
        #expect(estate.cluster.look(\.unready).isEmpty)
        #expect(try Departures(estate.store).all().allSatisfy { $0.phase == .gone })
        #expect(try Ledger(estate.store).open().isEmpty)
    }

    @Test("killed after any of its effects and wished again, a controller is replaced once")
    func replacementCrashes() async throws {
        try await withEstates { make in
            var estate = try make()
            var before: String?
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await prepare(estate)
                    before = try instance("controller-2", estate)
                    return estate.fake
                },
                run: { _ in
                    // Of a rollout that came to its end nobody repeats the wish.
                    if try Rollouts(estate.store).last()?.state != .done {
                        try await go(estate, replacing: "controller-2")
                    }
                },
                verify: { _ in try verifyReplaced("controller-2", estate, before: before) })
        }
    }

    @Test("killed after any of its effects and not wished again, every controller serves")
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
                    if runs == 1 {
                        try await go(estate, replacing: "controller-2")
                    } else {
                        try await go(estate)
                    }
                },
                verify: { _ in try verifyWhole(estate) })
        }
    }

    @Test("a first controller that is replaced joins the cluster that the others hold")
    func firstReplaced() async throws {
        try await withThree { estate in
            let before = try instance("controller-1", estate)
            try await go(estate, replacing: "controller-1")
            #expect(estate.agents.look(\.removers).map(\.rawValue) == ["controller-2"])
            #expect(estate.agents.look(\.joins) == ["controller-1 through controller-2"])
            try verifyReplaced("controller-1", estate, before: before)
            let again = try await estate.says(estate.controllers, edits: [Self.three])
            #expect(again == nothingToDo)
            #expect(try await estate.says(Workers(), edits: [Self.three]) == nothingToDo)
        }
    }

    @Test("one that is dead is replaced while the other two are there, and is not waited for")
    func deadReplaced() async throws {
        try await withThree { estate in
            let before = try instance("controller-2", estate)
            estate.cluster.change { $0.unready = ["controller-2"] }
            try await go(estate, replacing: "controller-2")
            #expect(
                estate.cluster.look(\.drains) == [
                    "close controller-2", "remove controller-2", "end controller-2",
                ])
            try verifyReplaced("controller-2", estate, before: before)
        }
    }

    @Test("none is replaced while another one is not there; nothing is ended")
    func replacementRefused() async throws {
        try await withThree { estate in
            estate.cluster.change { $0.unready = ["controller-3"] }
            try await estate.stops(
                Provision(), edits: [Self.three],
                options: RolloutOptions(replace: [name("controller-2")]),
                Sentence(
                    .unavailable, "letting controller-2 go: controller-3 is not ready",
                    fix: "jeeves up --replace controller-3"))
            try await estate.stops(
                Provision(), edits: [Self.three],
                options: RolloutOptions(replace: [name("controller-1"), name("controller-2")]),
                Sentence(
                    .conflict, "replacing controller-1, controller-2: a control plane lets one",
                    fix: "jeeves up --replace controller-2"))
            #expect(estate.cluster.look(\.drains).isEmpty)
            #expect(estate.account.look(\.resources).allSatisfy { !$0.isTerminated })
        }
    }

    @Test("with one controller left, the highest goes first, and each has to be named")
    func shrink() async throws {
        try await withThree { estate in
            try await estate.stops(
                Provision(),
                Sentence(
                    .conflict, "planning: this would lose",
                    fix: "jeeves up --replace controller-2 --replace controller-3"))
            try await go(estate, replacing: "controller-2", "controller-3", edits: [])
            let removed = estate.cluster.look(\.drains).filter { $0.hasPrefix("remove") }
            #expect(removed == ["remove controller-3", "remove controller-2"])
            #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1"])
            #expect(try estate.infrastructure()?.nodes(.controller) == [name("controller-1")])
            #expect(try Departures(estate.store).all().allSatisfy { $0.phase == .gone })
            #expect(try await estate.says(estate.controllers) == nothingToDo)
        }
    }

    @Test("a new type of machine would stop all controllers at once, and is refused")
    func instanceType() async throws {
        try await withThree { estate in
            let larger = (
                "controllers:\n    count: 3\n    instanceType: t3.large",
                "controllers:\n    count: 3\n    instanceType: m6i.large"
            )
            try await estate.stops(
                Provision(), edits: [Self.three, larger],
                Sentence(
                    .conflict, "this would stop controller-1, controller-2, controller-3 at once",
                    fix: "modify-instance-attribute"))
            #expect(estate.terraform.look(\.applies) == 1)
        }
    }
}
