import Model
import Outside
import Support
import Testing

@testable import Coordinator

/// A walk through batches that does not come to its end at once.
@Suite struct BatchKillTests {
    /// Five workers, two of them at once after the canary.
    private static let five = [
        ("workers:\n    count: 1", "workers:\n    count: 5"), ("batch: 1\n", "batch: 2\n"),
    ]
    private static let edits = five + [("channel: 1.34/stable", "channel: 1.35/stable")]

    private func withWorkers(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: Self.five)
            estate.agents.change { $0.story = [] }
            try await body(estate)
        }
    }

    /// Nodes in the order in which they got their spec. Records an issue if one got it while a node
    /// of an earlier batch was not right.
    private func begun(_ estate: Estate, _ what: String) -> [String] {
        var begun: [String] = []
        var inFlight: Set<String> = []
        for line in estate.agents.look(\.story) {
            let node = String(line.prefix("worker-1".count))
            if line.hasSuffix("gets 2") {
                begun.append(node)
                inFlight.insert(node)
                let isFirst = ["worker-1", "worker-2", "worker-4"].contains(node)
                #expect(!isFirst || inFlight == [node], "\(what): \(line)")
            }
            if line.hasSuffix("/join") { inFlight.remove(node) }
        }
        return begun
    }

    @Test("interrupted in its window, it goes on with the same batch")
    func interrupted() async throws {
        try await withWorkers { estate in
            await #expect(throws: CancellationError.self) {
                try await estate.drive(edits: Self.edits) { run in
                    let walking = Task { try await Workers().run(run) }
                    estate.after(waits: 20) { walking.cancel() }
                    _ = try await walking.value
                }
            }
            #expect(begun(estate, "interrupted") == ["worker-1"])
            let said = try await estate.says(Workers(), edits: Self.edits)
            #expect(said == "5 changed")
            #expect(begun(estate, "resumed") == (1...5).map { "worker-\($0)" })
        }
    }

    @Test("killed with two workers right and closed, both are open before one is emptied anew")
    func killedBeforeOpening() async throws {
        try await withWorkers { estate in
            estate.when(said: "worker-2: draining") {
                estate.fake.fail("kubectl.uncordon", with: Failure(.failed, "killed"), times: 99)
            }
            _ = try? await estate.says(Workers(), edits: Self.edits)
            #expect(estate.cluster.look(\.marked) == ["worker-2", "worker-3"])
            estate.fake.fail("kubectl.uncordon", with: Failure(.failed, "killed"), times: 0)
            estate.forgetWaits()
            let oneByOne = Self.edits.filter { !$0.0.hasPrefix("batch") }
            let other = oneByOne.map { ($0.0, $0.1.replacing("1.35", with: "1.36")) }
            let said = try await estate.says(Workers(), edits: other)
            #expect(said == "5 changed")
            let opened = estate.lines.prefix { !$0.hasSuffix("draining") }.filter {
                $0.hasSuffix("open to pods again")
            }
            #expect(Set(opened.map { $0.prefix(8) }) == ["worker-2", "worker-3"])
        }
    }

    @Test("killed again and again, no batch begins before the one ahead is right", arguments: 1...8)
    func killedOften(seed: UInt64) async throws {
        let chance = SeededChance(seed)
        try await withWorkers { estate in
            for _ in 0..<4 {
                estate.killWaiting(after: 1 + Int(chance.fraction() * 60))
                _ = try? await estate.says(Workers(), edits: Self.edits)
            }
            // What was to kill at the other wait comes still.
            var said = ""
            for _ in 0..<10 where said != nothingToDo {
                said = (try? await estate.says(Workers(), edits: Self.edits)) ?? "killed"
            }
            #expect(said == nothingToDo)
            #expect(begun(estate, "seed \(seed)") == (1...5).map { "worker-\($0)" })
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }
}
