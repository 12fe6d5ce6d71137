import FoundationEssentials
import Model
import Testing

@testable import Outside

struct LiveUnitsTests {
    private let folder: TemporaryFolder
    private let exited: StandInSystemd.Unit = {
        var unit = StandInSystemd.Unit()
        unit.texts["ActiveState"] = "active"
        unit.texts["SubState"] = "exited"
        unit.numbers["ExecMainCode"] = 1
        return unit
    }()
    private let transient = TransientUnit(
        name: "jeeves-op-packages-0123.service",
        command: Command("/bin/true", ["--all", "a b"], environment: ["LC_ALL": "C"]),
        deadline: .seconds(90))

    init() throws { folder = try TemporaryFolder() }

    private func units(_ manager: StandInSystemd) -> LiveUnits {
        LiveUnits(
            files: LiveFiles(), clock: LiveClocks(), outputFolder: folder.path,
            connect: { [path = manager.path] in try SystemdBus(socket: path) })
    }

    @Test("a unit's state is read from its properties")
    func state() async throws {
        var unit = exited
        unit.texts["Result"] = "exit-code"
        unit.numbers["ExecMainStatus"] = 3
        unit.microseconds["StateChangeTimestamp"] = 1_700_000_000_500_000
        let manager = try StandInSystemd(in: folder, unit, started: unit)
        let state = try await units(manager).state("one.service")
        #expect(
            state
                == UnitState(
                    load: "loaded", active: "active", result: "exit-code", exitCode: 3,
                    since: Date(timeIntervalSince1970: 1_700_000_000.5)))
        #expect(manager.calls.words == ["LoadUnit one.service"])
    }

    @Test("a job is awaited, even one that ends before its call is answered")
    func job() async throws {
        let manager = try StandInSystemd(in: folder, exited, started: exited)
        try await units(manager).job(.reload, "one.service", deadline: .seconds(10), op: "test")
        #expect(manager.calls.words == ["Subscribe", "ReloadUnit one.service replace"])
    }

    @Test("a job that fails is a failure with the job's result")
    func jobFails() async throws {
        let manager = try StandInSystemd(
            in: folder, exited, started: exited, jobResult: "dependency")
        let failure = await #expect(throws: Failure.self) {
            try await units(manager)
                .job(.restart, "one.service", deadline: .seconds(10), op: "test")
        }
        #expect(failure?.code == .failed)
        #expect(failure?.message == "restart of one.service: the job ended as dependency")
    }

    @Test("a transient unit gets its whole description, and its end is the command's")
    func transientRun() async throws {
        let manager = try StandInSystemd(in: folder, StandInSystemd.Unit(), started: exited)
        let finished = try await units(manager).run(transient, op: "test")
        #expect(finished.ending == .exited(0))
        let start = try #require(
            manager.calls.words.first { $0.hasPrefix("StartTransientUnit ") })
        #expect(start.hasPrefix("StartTransientUnit jeeves-op-packages-0123.service fail ["))
        #expect(start.hasSuffix("] []"))
        for property in [
            "(Type <exec>)", "(RemainAfterExit <1>)", "(RuntimeMaxUSec <90000000>)",
            "(Environment <[LC_ALL=C]>)", "(StandardOutputFile <\(outputPath)>)",
            "(ExecStart <[(/bin/true [/bin/true --all a b] 0)]>)",
        ] {
            #expect(start.contains(property))
        }
        #expect(try LiveFiles().info(outputPath)?.mode == 0o600)
        #expect(
            manager.calls.words.suffix(3) == [
                "Subscribe", "StopUnit \(transient.name) replace",
                "ResetFailedUnit \(transient.name)",
            ])
    }

    @Test("a unit that runs or has run already is awaited and not started again")
    func found() async throws {
        let manager = try StandInSystemd(in: folder, exited, started: exited)
        try LiveFiles()
            .replace(outputPath, with: Array("done\n".utf8), mode: 0o600, op: "test")
        let finished = try await units(manager).run(transient, op: "test")
        #expect(finished == Finished(ending: .exited(0), output: "done\n"))
        #expect(!manager.calls.words.contains { $0.hasPrefix("Start") })
    }

    @Test("masking stops a running unit, and a masked one that does not run is left alone")
    func mask() async throws {
        let manager = try StandInSystemd(in: folder, exited, started: exited)
        try await units(manager).mask("certbot.timer", op: "test")
        #expect(
            manager.calls.words == [
                "LoadUnit certbot.timer", "MaskUnitFiles [certbot.timer] 0 0", "Reload",
                "Subscribe", "StopUnit certbot.timer replace",
            ])
        let other = try TemporaryFolder()
        var masked = StandInSystemd.Unit()
        masked.texts["LoadState"] = "masked"
        let quiet = try StandInSystemd(in: other, masked, started: masked)
        try await units(quiet).mask("certbot.timer", op: "test")
        #expect(quiet.calls.words == ["LoadUnit certbot.timer"])
    }

    @Test("without systemd everything is unavailable")
    func absent() async throws {
        let path = folder.file("none")
        let units = LiveUnits(
            files: LiveFiles(), clock: LiveClocks(), connect: { try SystemdBus(socket: path) })
        let failure = await #expect(throws: Failure.self) { try await units.state("one.service") }
        #expect(failure?.code == .unavailable)
    }

    private var outputPath: String { "\(folder.path)/\(transient.name).out" }
}
