import Model
import Support
import Testing

@testable import Coordinator

@Suite struct EnrolTests {
    private static let worker = NodeName(unchecked: "worker-1")

    @Test("nodes that are connected already need nothing")
    func right() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            estate.fake.forgetOps()
            #expect(try await estate.plans(Enrol()).isEmpty)
            #expect(try await estate.says(Enrol()) == nothingToDo)
            #expect(estate.fake.ops.isEmpty)
        }
    }

    @Test("a node that is late is waited for, and each arrival is told once")
    func late() async throws {
        try await withEstate { estate in
            estate.agents.change { $0.silent = [Self.worker] }
            try await estate.run(upTo: .provision)
            try await estate.drive { run in
                let planned = try await Enrol().plan(run)
                #expect(planned.map(\.subject) == ["worker-1"])
                estate.after(waits: 20) { await estate.agents.wake(Self.worker) }
                #expect(try await Enrol().run(run) == "2 nodes connected after 4.0s")
            }
            #expect(estate.lines.filter { $0 == "worker-1: connected" }.count == 1)
        }
    }

    @Test("before the machines a plan says so")
    func early() async throws {
        try await withEstate { estate in
            let planned = try await estate.plans(Enrol())
            #expect(planned.first?.knownAfter == .provision)
        }
    }

    @Test("a node that never comes is named after ten minutes, with what to check")
    func never() async throws {
        try await withEstate { estate in
            estate.agents.change { $0.silent = [Self.worker] }
            try await estate.run(upTo: .provision)
            try await estate.drive { run in
                let begin = run.world.clock.uptime()
                await Sentence(
                    .timeout, "waiting for agents: worker-1 did not connect within 10m 00s",
                    fix: "check that the nodes reach 203.0.113.7:7443 (a firewall, a port that "
                        + "must be forwarded, the coordinator's security group)"
                ).check { try await Enrol().run(run) }
                let waited = run.world.clock.uptime() - begin
                #expect(waited >= Enrol.deadline && waited < Enrol.deadline + .seconds(1))
            }
        }
    }
}
