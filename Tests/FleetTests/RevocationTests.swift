import Model
import Outside
import Store
import Support
import Testing

@testable import Agent
@testable import Coordinator

/// What a person does to a node whose key may be in other hands.
@Suite(.timeLimit(.minutes(2))) struct RevocationTests {
    /// An enrolled machine that is connected, and would enrol again if it could.
    private func withConnected(
        _ body: @Sendable @escaping (Fleet, Machine, Driver) async throws -> Void
    ) async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await machine.running { _ in
                    try await eventually("it is connected") {
                        await driver.run.downlinks.reported() == [machine.node]
                    }
                    try await body(fleet, machine, driver)
                }
            }
        }
    }

    @Test("a revoked node that says nothing is cut off, and comes back once it is allowed again")
    func there() async throws {
        try await withConnected { fleet, machine, driver in
            let before = try machine.credentials()?.chainPEM
            try driver.revoke(machine.node)
            fleet.fake.clock.advance(by: Revocations.lookEvery)
            try await eventually("it is cut off and refused") {
                machine.clock.skipRedial()
                return await driver.run.downlinks.connected().isEmpty
                    && fleet.diary.says("revoked node cut off node=worker-1")
                    && fleet.diary.says("worker-1 has been revoked")
            }
            try driver.allow(machine.node)
            try await eventually("it is back") {
                machine.clock.skipRedial()
                return await driver.run.downlinks.connected() == [machine.node]
            }
            #expect(try machine.credentials()?.chainPEM == before)
            let events = try driver.run.store.events(last: 10).filter {
                $0.subject == "node/worker-1"
            }
            #expect(
                events.map { "\($0.actor) \($0.detail.prefix(10))" } == [
                    "coordinator token made", "agent/worker-1 admitted", "ann@desk revoked",
                    "ann@desk allowed",
                ])
        }
    }

    @Test("a machine that comes under the name of a revoked node is refused, with a good token too")
    func rebuilt() async throws {
        try await withConnected { fleet, machine, driver in
            let rebuilt = try Machine("worker-1", of: fleet)
            try driver.revoke(machine.node)
            try driver.giveToken(to: rebuilt)
            try await rebuilt.running { agent in
                try await eventually("it is told why not") {
                    agent.diary.says("enrolling worker-1: it has been revoked")
                }
                #expect(agent.diary.says("fix=if it shall come back, run `jeeves node allow"))
                #expect(try rebuilt.credentials() == nil)
                try driver.allow(machine.node)
                try await eventually("the same token lets it in") {
                    rebuilt.clock.skipRedial()
                    return try rebuilt.credentials() != nil
                }
            }
        }
    }

    @Test("revoking twice, or allowing who is not revoked, changes nothing; a wrong name is told")
    func again() async throws {
        try await withConnected { _, machine, driver in
            let beside = Beside(driver.run.project, world: driver.run.world)
            let changes = [
                try beside.allow(machine.node, by: "ann@desk"),
                try beside.revoke(machine.node, by: "ann@desk"),
                try beside.revoke(machine.node, by: "ann@desk"),
            ]
            #expect(changes == [false, true, false])
            let events = try driver.run.store.events(last: 10)
            #expect(events.count { $0.detail == "revoked" } == 1)
            let unknown = NodeName(unchecked: "wroker-1")
            let failure = #expect(throws: Failure.self) {
                try beside.revoke(unknown, by: "ann@desk")
            }
            #expect(failure?.code == .notFound)
        }
    }
}
