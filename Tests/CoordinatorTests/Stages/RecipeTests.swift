import Model
import Store
import Support
import Testing

@testable import Coordinator

/// The whole of `jeeves up`, from an empty account to a live chat.
@Suite struct RecipeTests {
    private func up(_ estate: Estate) async throws -> Rollout? {
        try await estate.drive { run in
            _ = try await Engine(
                recipe: estate.recipe(), run: run, children: ChildTime(), progress: { _ in }
            ).walk()
        }
        return try Rollouts(estate.store).last()
    }

    @Test("an empty account becomes a live chat; a second run finds everything right")
    func live() async throws {
        try await withEstate { estate in
            let first = try await up(estate)
            #expect(first?.stages.map(\.stage) == StageName.allCases)
            #expect(first?.state == .done)
            #expect(first?.stages.last?.summary.hasSuffix("DDP connected") == true)
            try verifyLive(estate)
            let before = (estate.cluster.look(\.revisions), estate.account.look(\.changes))
            estate.fake.forgetOps()
            let second = try await up(estate)
            let summaries = second?.stages.filter { ![.preflight, .verify].contains($0.stage) }
            #expect(Set(summaries?.map(\.summary) ?? []) == [nothingToDo])
            #expect(estate.cluster.look(\.revisions) == before.0)
            #expect(estate.account.look(\.changes) == before.1)
            let writes = estate.fake.ops.filter { op in Self.writes.contains { op.hasSuffix($0) } }
            // The kubeconfig names the port of this very coordinator.
            #expect(Set(writes).isSubset(of: ["kubeconfig.replace"]))
        }
    }

    /// Ends of the names of effects that change something.
    private static let writes = [
        ".apply", ".change", ".upgrade", ".rollback", ".restart", ".file", ".variables",
        ".replace",
    ]

    @Test("a plan of an empty account names every layer, and changes nothing outside")
    func plan() async throws {
        try await withEstate { estate in
            try await estate.drive { run in
                var planned: [StageName: Int] = [:]
                for stage in estate.recipe() {
                    planned[stage.name] = try await stage.plan(run).count
                }
                let silent = planned.filter { $0.value == 0 }.keys.sorted()
                #expect(silent == [.preflight, .verify])
            }
            #expect(estate.account.look(\.resources).isEmpty)
            #expect(estate.account.look(\.records).isEmpty)
            #expect(estate.cluster.kinds().isEmpty)
            #expect(estate.fake.changes.isEmpty)
        }
    }

    @Test("killed after any of its effects, it ends live with one of everything")
    func crashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    return estate.fake
                },
                run: { _ in _ = try await up(estate) },
                verify: { _ in try verifyLive(estate) })
        }
    }

    private func verifyLive(_ estate: Estate) throws {
        let kinds = estate.account.look(\.resources).map(\.kind).sorted()
        #expect(kinds == ["elastic-ip", "instance", "instance", "network-interface", "vpc"])
        #expect(estate.account.look(\.records).map(\.values) == [["203.0.113.9"]])
        #expect(estate.account.look(\.changes) == 1)
        #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1"])
        #expect(estate.agents.look(\.minted) == 1)
        #expect(estate.agents.look(\.applied).count == 7, "each step of each node once")
        #expect(estate.cluster.statuses() == ["deployed"])
        #expect(estate.cluster.kinds().filter { $0 == "IngressRoute" }.count == 3)
        #expect(estate.cluster.kinds().filter { $0 == "PodDisruptionBudget" }.count == 2)
        #expect(try Ledger(estate.store).open().isEmpty)
    }
}
