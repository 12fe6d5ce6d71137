import Model
import Support
import Testing
import Wire

@testable import Agent
@testable import Coordinator

/// Who may speak for a node, and for how long.
@Suite(.timeLimit(.minutes(2))) struct IdentityTests {
    private static let day = Duration.seconds(86400)

    /// An enrolled machine that was off for `time`, as was the coordinator.
    private func withSleeper(
        _ time: Duration, _ body: @Sendable @escaping (Fleet, Machine, Driver) async throws -> Void
    ) async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await enrol(machine, in: fleet)
            fleet.fake.clock.advance(by: time)
            machine.fake.clock.advance(by: time)
            try await fleet.drive { driver in try await body(fleet, machine, driver) }
        }
    }

    private func enrol(_ machine: Machine, in fleet: Fleet) async throws {
        try await fleet.drive { driver in
            try driver.giveToken(to: machine)
            try await driver.wish(["/etc/a"], on: machine.node)
            try await machine.running { _ in
                try await eventually("it is converged") { try driver.isConverged(machine.node) }
            }
        }
        machine.fake.files[Machine.tokenFile] = nil
    }

    @Test("a node that was off comes back by itself", arguments: [1, 3, 200, 400])
    func back(days: Int) async throws {
        try await withSleeper(Self.day * days) { _, machine, driver in
            let before = try machine.credentials()?.chainPEM
            try await driver.wish(["/etc/late"], generation: 2, on: machine.node)
            try await machine.running { agent in
                try await eventually("it has converged to the new spec") {
                    machine.clock.skipRedial()
                    return try driver.isConverged(machine.node, generation: 2)
                }
                try await eventually("it lives under a new certificate") {
                    machine.clock.skipRedial()
                    return try machine.credentials()?.chainPEM != before
                }
                #expect(!agent.diary.says("enrolled"))
            }
        }
    }

    @Test("a node that was off for longer than 400 days beyond its certificate enrols anew")
    func tooLate() async throws {
        try await withSleeper(Self.day * 402) { _, machine, driver in
            let before = try machine.credentials()
            try await machine.running { agent in
                try await eventually("it is told what it needs") {
                    agent.diary.says("fix=make one with `jeeves token create worker-1`")
                }
                #expect(!agent.diary.says("link up"))
                #expect(try machine.credentials()?.chainPEM == before?.chainPEM)
                try driver.giveToken(to: machine)
                try await eventually("it is back with a new key") {
                    machine.clock.skipRedial()
                    return try await driver.run.downlinks.connected() == [machine.node]
                        && machine.credentials()?.keyPEM != before?.keyPEM
                }
                #expect(agent.diary.says("enrolled"))
            }
        }
    }

    @Test("a revoked node is refused, whether its certificate is good or over", arguments: [0, 3])
    func revoked(days: Int) async throws {
        try await withSleeper(Self.day * days) { fleet, machine, driver in
            try driver.revoke(machine.node)
            try await machine.running { agent in
                try await eventually("it is refused") {
                    fleet.diary.says("worker-1 has been revoked")
                }
                try await eventually("it knows") { agent.diary.says("link down") }
                #expect(!agent.diary.says("link up"))
            }
            #expect(await driver.run.downlinks.connected().isEmpty)
        }
    }

    @Test("a node that is revoked while it is connected is cut off at its next word")
    func revokedAlive() async throws {
        try await withSleeper(.zero) { fleet, machine, driver in
            try await machine.running { _ in
                try await eventually("it is connected") {
                    await driver.run.downlinks.reported() == [machine.node]
                }
                try await eventually("it waits for its heartbeat") {
                    machine.clock.isAsleep("session.heartbeat")
                }
                try driver.revoke(machine.node)
                machine.fake.clock.advance(by: .seconds(31))
                try await eventually("it is cut off") {
                    fleet.diary.says("listening to worker-1: it has been revoked")
                }
                try await eventually("it is gone, and not let in again") {
                    machine.clock.skipRedial()
                    return await driver.run.downlinks.connected().isEmpty
                        && fleet.diary.says("worker-1 has been revoked")
                }
            }
        }
    }

    @Test("a node of another cluster is refused, though it would talk to anybody")
    func otherCluster() async throws {
        try await Fleet.with("other") { other in
            let stranger = try Machine("worker-1", of: other)
            try await enrol(stranger, in: other)
            try await Fleet.with { fleet in
                try await fleet.drive { driver in
                    let port = try #require(UInt16(fleet.address.split(separator: ":")[1]))
                    let link = try await Dialer.dial(
                        host: "127.0.0.1", port: port, conversation: .link,
                        credentials: stranger.credentials(),
                        check: { _ in Peer(uri: "anybody", serial: "", expired: false) })
                    let failure = await #expect(throws: Failure.self) {
                        for try await _ in link.incoming {}
                    }
                    #expect(failure?.code == .unauthorized)
                    #expect(await driver.run.downlinks.connected().isEmpty)
                }
            }
        }
    }

    @Test("the certificate of one node cannot speak for another")
    func otherNode() async throws {
        try await Fleet.with { fleet in
            let worker = try Machine("worker-1", of: fleet)
            try await enrol(worker, in: fleet)
            let impostor = try Machine("controller-1", of: fleet)
            impostor.steal(from: worker)
            try await fleet.drive { driver in
                try await driver.wish(["/etc/secret"], on: impostor.node)
                try await impostor.running { _ in
                    try await eventually("it is cut off") {
                        fleet.diary.says("greeting worker-1: it says it is controller-1")
                    }
                }
                #expect(try driver.status(of: impostor.node) == nil)
                #expect(impostor.fake.files["/etc/secret"] == nil)
            }
        }
    }
}
