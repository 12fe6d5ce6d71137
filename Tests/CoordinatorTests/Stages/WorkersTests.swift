import Model
import Support
import Testing
import Wire

@testable import Coordinator

@Suite struct WorkersTests {
    private static let three = ("workers:\n    count: 1", "workers:\n    count: 3")

    /// Estates whose controllers are right.
    private func withControllers(
        edits: [(String, String)] = [], _ body: (Estate) async throws -> Void
    ) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers, edits: edits)
            estate.fake.forgetOps()
            try await body(estate)
        }
    }

    @Test("workers join one at a time, each with a ticket of its own; a second run joins nobody")
    func converges() async throws {
        try await withControllers(edits: [Self.three]) { estate in
            let said = try await estate.says(Workers(), edits: [Self.three])
            #expect(said == "3 joined")
            #expect(try await estate.says(Workers(), edits: [Self.three]) == nothingToDo)
            #expect(try await estate.plans(Workers(), edits: [Self.three]).isEmpty)
            let members = estate.cluster.look(\.members)
            #expect(members == ["controller-1", "worker-1", "worker-2", "worker-3"])
            #expect(estate.agents.look(\.minted) == 3)
            #expect(estate.agents.look(\.tickets).isEmpty, "no ticket is left over")
            let told = estate.lines.filter { $0.contains("joining") || $0.hasSuffix(": ready") }
            #expect(
                told.prefix(4).map { $0.prefix(8) } == [
                    "worker-1", "worker-1", "worker-2", "worker-2",
                ])
        }
    }

    @Test("a plan names each step of each worker, and changes nothing")
    func plan() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .dns)
            try await estate.drive { run in
                let planned = try await Workers().plan(run)
                #expect(
                    planned.map(\.subject)
                        == ["worker-1/packages", "worker-1/microk8s", "worker-1/join"])
                #expect(try run.store.list(.specs).isEmpty)
            }
        }
    }

    @Test("killed after any of its effects, it ends with every worker a member once")
    func crashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await estate.run(upTo: .controllers)
                    return estate.fake
                },
                run: { _ in try await estate.drive { _ = try await Workers().run($0) } },
                verify: { _ in
                    #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1"])
                    #expect(estate.agents.look(\.minted) == 1)
                })
        }
    }

    @Test("a join whose answer was lost counts by the control plane's word")
    func lostAnswer() async throws {
        try await withControllers { estate in
            estate.agents.change {
                $0.joinAnswer = .failure(Failure(.timeout, "no answer within 7m 00s"))
            }
            let said = try await estate.says(Workers())
            #expect(said == "1 joined")
            #expect(estate.agents.look(\.minted) == 1)
        }
    }

    @Test("a join that only looks as if it worked is told, and works the next time")
    func lostJoin() async throws {
        try await withControllers { estate in
            estate.agents.change { $0.lostJoins = 1 }
            try await estate.stops(
                Workers(),
                Sentence(
                    .conflict, "the control plane does not list it after 2m 00s",
                    fix: "jeeves up --replace worker-1"))
            #expect(try await estate.says(Workers()) == "1 joined")
            #expect(estate.agents.look(\.minted) == 2, "a ticket is tried once")
        }
    }

    @Test("a member that does not become ready is told after five minutes")
    func unready() async throws {
        try await withControllers { estate in
            #expect(try await estate.says(Workers()) == "1 joined")
            estate.cluster.change { $0.unready.insert("worker-1") }
            try await estate.stops(
                Workers(),
                Sentence(
                    .timeout, "waiting for the control plane to call worker-1 ready: not there",
                    fix: "jeeves kubectl -- describe node worker-1"))
        }
    }

    @Test("a join that the node refuses for good ends the stage with its words")
    func refused() async throws {
        try await withControllers { estate in
            estate.agents.change {
                $0.lostJoins = 1
                $0.joinAnswer = .failure(
                    Failure(
                        .unauthorized, "joining 10.42.0.10: its certificate is another one",
                        fix: "run `jeeves up` again"))
            }
            try await estate.stops(
                Workers(),
                Sentence(
                    .unauthorized, "asking worker-1: joining 10.42.0.10: its certificate",
                    fix: "jeeves up"))
        }
    }

    @Test("an API server that restarts between two joins is waited for")
    func outage() async throws {
        try await withControllers(edits: [Self.three]) { estate in
            estate.cluster.change { $0.outages = 6 }
            let said = try await estate.says(Workers(), edits: [Self.three])
            #expect(said == "3 joined")
        }
    }

    @Test("a controller that is not connected is named, with where to look")
    func noController() async throws {
        try await withControllers { estate in
            let controller = NodeName(unchecked: "controller-1")
            estate.agents.change { $0.silent = [controller] }
            try await estate.stops(
                Workers(),
                Sentence(
                    .timeout, "waiting for controller-1 to connect: not there after 45.0s",
                    fix: "journalctl -u jeeves-agent"))
        }
    }
}
