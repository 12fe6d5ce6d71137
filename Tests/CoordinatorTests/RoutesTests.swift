import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct RoutesTests {
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
                #expect(cluster.kinds() == ["IngressRoute", "IngressRoute"])
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
            verify: { _, cluster in #expect(cluster.kinds() == ["IngressRoute", "IngressRoute"]) })
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
