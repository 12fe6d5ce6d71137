import Model
import Support
import Testing

@testable import Coordinator

/// A person's word between the canary and the others.
@Suite struct PromotionTests {
    private static let three = ("workers:\n    count: 1", "workers:\n    count: 3")
    private static let change = [
        three, ("channel: 1.34/stable", "channel: 1.35/stable"),
        ("promotion: automatic", "promotion: manual"),
    ]
    private static let waits = "waiting for `jeeves rollout promote` before batch 2 of 3"

    private func withWorkers(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: [Self.three])
            estate.agents.change { $0.story = [] }
            try await body(estate)
        }
    }

    private func touched(_ estate: Estate) -> [String] {
        estate.agents.look(\.story).filter { $0.contains(" gets ") }
    }

    private func order(_ wish: Order.Wish, _ run: StageRun) {
        #expect(throws: Never.self) {
            try Orders(store: run.store).give(
                Order(rollout: run.driving.run, wish: wish, by: "bob@ci"),
                now: run.world.clock.now())
        }
    }

    @Test("with manual promotion nothing but the canary changes before a person says so")
    func manual() async throws {
        try await withWorkers { estate in
            try await estate.drive(edits: Self.change) { run in
                estate.when(said: Self.waits) {
                    #expect(touched(estate) == ["worker-1 gets 2"])
                    order(.promote, run)
                }
                let said = try await Workers().run(run)
                #expect(said == "3 changed")
            }
            #expect(touched(estate).count == 3)
            #expect(estate.lines.contains("promoted by bob@ci"))
        }
    }

    @Test("an abort instead ends it there; the next run waits for the word again")
    func aborted() async throws {
        try await withWorkers { estate in
            try await estate.drive(edits: Self.change) { run in
                estate.when(said: Self.waits) { order(.abort, run) }
                await #expect(throws: CancellationError.self) { try await Workers().run(run) }
            }
            #expect(touched(estate) == ["worker-1 gets 2"])
            try await estate.drive(edits: Self.change) { run in
                estate.when(said: Self.waits) { order(.promote, run) }
                let said = try await Workers().run(run)
                #expect(said == "2 changed")
            }
        }
    }

    @Test("an abort that nobody listened for ends it before the next batch")
    func unheard() async throws {
        try await withWorkers { estate in
            try await estate.drive(edits: Self.change) { run in
                order(.abort, run)
                await #expect(throws: CancellationError.self) { try await Workers().run(run) }
            }
            #expect(touched(estate).isEmpty)
        }
    }

    @Test("a batch that is right is not watched any longer once it is promoted")
    func window() async throws {
        try await withWorkers { estate in
            let edits = [Self.three, ("channel: 1.34/stable", "channel: 1.35/stable")]
            let start = estate.fake.clock.uptime()
            try await estate.drive(edits: edits + [("stableSeconds: 30", "stableSeconds: 900")]) {
                run in
                for worker in ["worker-1", "worker-2", "worker-3"] {
                    estate.when(said: "\(worker): open to pods again") { order(.promote, run) }
                }
                let said = try await Workers().run(run)
                #expect(said == "3 changed")
            }
            #expect(estate.fake.clock.uptime() - start < .seconds(900))
        }
    }
}
