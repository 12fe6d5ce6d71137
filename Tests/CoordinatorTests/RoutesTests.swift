import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct RoutesTests {
    private static let kinds = ["IngressRoute", "IngressRoute", "PodDisruptionBudget"]

    @Test("routes lead to the services that the release made; a second run changes nothing")
    func converges() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { FakeCluster.add("deployed", "", to: &$0) }
            try await StageStand.with(fake, cluster, store: store) { stand in
                let planned = try await Routes().plan(stand.run)
                #expect(planned.count == 1)
                #expect(fake.changes.isEmpty, "a plan only reads")
                #expect(try await Routes().run(stand.run) == "chat.example.org -> chat, ddp")
                #expect(cluster.kinds() == Self.kinds)
                #expect(try await Routes().run(stand.run) == nothingToDo)
                #expect(try await Routes().plan(stand.run).isEmpty)
                #expect(fake.changes == ["kubectl apply"])
                #expect(try store.get(Bool.self, .meta, Routes.servingKey) == true)
            }
        }
    }

    @Test("killed after any of its effects, it ends the same when it runs again")
    func crashes() async throws {
        try await StageStand.crashes(
            Routes(), prepare: { $0.change { FakeCluster.add("deployed", "", to: &$0) } },
            verify: { _, cluster in #expect(cluster.kinds() == Self.kinds) })
    }

    /// A budget of ours in a cluster where the chart has brought its own since.
    private static func bringForeign(_ cluster: FakeCluster) {
        cluster.change {
            FakeCluster.add("deployed", "", to: &$0)
            $0.foreignBudgets = ["rocketchat": "chat"]
            $0.objects = [
                .init(
                    kind: "PodDisruptionBudget", name: "jeeves-chat",
                    text: "  namespace: psautoinfra\n")
            ]
        }
    }

    @Test("our budget goes when the chart brings one, and comes back when that has gone")
    func foreignBudget() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            Self.bringForeign(cluster)
            try await StageStand.with(fake, cluster, store: store) { stand in
                let planned = try await Routes().plan(stand.run)
                #expect(planned.last == Change(.delete, "poddisruptionbudget/jeeves-chat"))
                #expect(cluster.kinds() == ["PodDisruptionBudget"], "a plan only reads")
                #expect(try await Routes().run(stand.run) != nothingToDo)
                #expect(cluster.kinds() == ["IngressRoute", "IngressRoute"])
                #expect(try await Routes().plan(stand.run).isEmpty)
                #expect(try await Routes().run(stand.run) == nothingToDo)

                cluster.change { $0.foreignBudgets = [:] }
                #expect(try await Routes().run(stand.run) != nothingToDo)
                #expect(cluster.kinds() == Self.kinds)
            }
        }
    }

    @Test("killed while our budget gives way, it ends the same when it runs again")
    func foreignBudgetCrashes() async throws {
        try await StageStand.crashes(
            Routes(), prepare: Self.bringForeign,
            verify: { _, cluster in #expect(cluster.kinds() == ["IngressRoute", "IngressRoute"]) })
    }

    @Test("that only a budget has to go is a change too")
    func onlySurplus() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { FakeCluster.add("deployed", "", to: &$0) }
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await Routes().run(stand.run)
                cluster.change { $0.foreignBudgets = ["rocketchat": "chat"] }
                let planned = try await Routes().plan(stand.run)
                #expect(planned == [Change(.delete, "poddisruptionbudget/jeeves-chat")])
                #expect(try await Routes().run(stand.run) == "chat.example.org -> chat, ddp")
                #expect(try await Routes().run(stand.run) == nothingToDo)
            }
        }
    }

    @Test("an old API server gets its own form of a budget")
    func oldKubernetes() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change {
                FakeCluster.add("deployed", "", to: &$0)
                $0.minor = 20
            }
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await Routes().run(stand.run)
            }
            let text = cluster.look { $0.objects.last?.text } ?? ""
            #expect(text.hasPrefix("apiVersion: policy/v1beta1\n"))
        }
    }

    @Test("without the release a plan says so, and a run does not count as serving")
    func early() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            try await StageStand.with(fake, cluster, store: store) { stand in
                let planned = try await Routes().plan(stand.run)
                #expect(planned.first?.knownAfter == .app)
                let failure = await #expect(throws: Failure.self) {
                    try await Routes().run(stand.run)
                }
                #expect(failure?.code == .notFound)
                #expect(try store.get(Bool.self, .meta, Routes.servingKey) == nil)
            }
        }
    }
}
