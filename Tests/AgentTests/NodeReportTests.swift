import FoundationEssentials
import Model
import Outside
import Support
import Testing

@testable import Agent

@Suite struct NodeReportTests {
    private let fake = FakeWorld()

    /// The daemon wrote its status at the start of time, and systemd says `unit` of it now.
    private func wrote(_ days: Double = 80, unit: UnitState?) throws {
        let start = FakeWorld.start
        let served = ServedCertificate(
            serial: "04ab", notAfter: start.addingTimeInterval(90 * 86_400),
            renewsFrom: start.addingTimeInterval(60 * 86_400), notBefore: start)
        let status = NodeStatus(
            node: NodeName(unchecked: "controller-1"), generation: 3,
            steps: [
                StepStatus(id: StepID(unchecked: "haproxy"), state: .converged, detail: "2.6"),
                StepStatus(
                    id: StepID(unchecked: "certificate"),
                    state: .failed(Failure(.unavailable, "the CA is away", fix: "wait")),
                    detail: served.description),
            ],
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: start)
        fake.files[StatusFile.path] = String(decoding: try JSON.encode(status), as: UTF8.self)
        fake.units[DaemonState.unit] = unit
        fake.clock.setWall(start.addingTimeInterval(days * 86_400))
    }

    private func unit(
        _ active: String, result: String = "success", exitCode: Int32 = 0
    ) -> UnitState {
        UnitState(
            load: "loaded", active: active, result: result, exitCode: exitCode,
            since: FakeWorld.start.addingTimeInterval(3600))
    }

    @Test("it needs no coordinator: the file and systemd say everything, and nothing is changed")
    func running() async throws {
        try wrote(unit: unit("active"))
        let table = try await NodeReport.read(fake.world).table
        #expect(table.contains("node controller-1, generation 3, debian 12"))
        #expect(table.contains("alert: critical"))
        #expect(table.contains("the CA is away"))
        #expect(!table.contains("daemon"))
        #expect(fake.ops.isEmpty)
    }

    @Test("a dead daemon is told of first, since when and how it ended, with what to type")
    func dead() async throws {
        try wrote(unit: unit("failed", result: "exit-code", exitCode: 70))
        let table = try await NodeReport.read(fake.world).table
        let since = FakeWorld.start.addingTimeInterval(3600).formatted(.iso8601)
        #expect(
            table.contains(
                "the daemon is not running (since \(since), it exited with 70): what follows is "
                    + "the last that it wrote"))
        #expect(table.contains("fix: `systemctl start jeeves-agent`"))
        #expect(table.contains("alert: critical"), "judged by the clock of now")
        try wrote(unit: unit("failed", result: "signal", exitCode: 9))
        let killed = try await NodeReport.read(fake.world).daemon.sentence
        #expect(killed == "the daemon is not running (since \(since), it ended by signal)")
        try wrote(unit: unit("inactive"))
        let stopped = try await NodeReport.read(fake.world).daemon.sentence
        #expect(stopped == "the daemon is not running (since \(since))")
    }

    @Test("a daemon that dies again and again is not said to run")
    func restarting() async throws {
        try wrote(unit: unit("activating", result: "exit-code", exitCode: 1))
        let report = try await NodeReport.read(fake.world)
        #expect(report.daemon.word == .starting)
        #expect(report.table.contains("it exited with 1): what follows is the last"))
    }

    @Test("a unit that systemd does not know, and a systemd that is away, are told apart")
    func unknown() async throws {
        try wrote(unit: nil)
        let missing = try await NodeReport.read(fake.world).daemon
        #expect(missing.sentence == "the daemon is not running (the unit is not-found)")
        var world = fake.world
        world.units = NoSystemd()
        let report = try await NodeReport.read(world)
        #expect(report.daemon.word == .unknown)
        #expect(report.table.contains("nobody knows whether the daemon is running (asking systemd"))
    }

    @Test("what somebody changed stands below its step, with the diff and the command")
    func drifted() async throws {
        let drift = Drift(.missing, diff: "-a\n+b")
        let status = NodeStatus(
            node: NodeName(unchecked: "controller-1"), generation: 3,
            steps: [
                StepStatus(id: StepID(unchecked: "haproxy"), state: .drifted(drift), detail: "2.8")
            ],
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: FakeWorld.start)
        fake.files[StatusFile.path] = String(decoding: try JSON.encode(status), as: UTF8.self)
        fake.units[DaemonState.unit] = unit("active")
        let table = try await NodeReport.read(fake.world).table
        let lines = table.split(separator: "\n").suffix(5).map { line in
            line.drop { $0 == " " }.description
        }
        #expect(
            lines == [
                "haproxy  drifted     2.8", "missing", "-a", "+b",
                "fix: `jeeves up` makes it right",
            ])
    }

    @Test("the JSON has the status as it was, the daemon, and every certificate's alert")
    func json() async throws {
        try wrote(unit: unit("failed", result: "timeout"))
        let bytes = try JSON.encode(try await NodeReport.read(fake.world))
        let status = try JSON.decode(NodeStatus.self, from: bytes, what: "the report")
        #expect(status.node.rawValue == "controller-1")
        struct Seen: Decodable {
            struct Certificate: Decodable {
                let step: StepID
                let alert: ServedCertificate.Alert
                let left: Double
            }
            let daemon: DaemonState
            let certificates: [Certificate]
        }
        let seen = try JSON.decode(Seen.self, from: bytes, what: "the report")
        #expect(seen.daemon.word == .stopped)
        #expect(seen.daemon.detail == "it ended by timeout")
        #expect(seen.certificates.map(\.step.rawValue) == ["certificate"])
        #expect(seen.certificates.map(\.alert) == [.critical])
        #expect(seen.certificates.allSatisfy { abs($0.left - 1.0 / 9) < 0.001 })
    }

    @Test("without a file of this boot it fails, and says how the daemon is")
    func noFile() async throws {
        fake.units[DaemonState.unit] = unit("failed", result: "exit-code", exitCode: 1)
        let dead = await #expect(throws: Failure.self) { try await NodeReport.read(fake.world) }
        #expect(dead?.code == .notFound)
        #expect(dead?.message.contains("it is not there; the daemon is not running") == true)
        #expect(dead?.fix.contains("systemctl start jeeves-agent") == true)
        fake.units[DaemonState.unit] = unit("active")
        let young = await #expect(throws: Failure.self) { try await NodeReport.read(fake.world) }
        #expect(young?.message.contains("the daemon is running (since") == true)
        #expect(young?.fix == "look at `systemctl status jeeves-agent`")
    }
}

/// A machine without systemd, as seen from a container.
private struct NoSystemd: Units {
    private let away = Failure(.unavailable, "connecting to systemd: No such file or directory")

    func state(_ unit: String) async throws -> UnitState { throw away }
    func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws {
        throw away
    }
    func mask(_ unit: String, op: Op) async throws { throw away }
    func run(_ unit: TransientUnit, op: Op) async throws -> Finished { throw away }
}
