import Glibc
import Model
import Outside
import Tools

/// systemd's part where there is none: the real HAProxy with the lines of Debian's
/// `haproxy.service`, and transient units as children. It runs nothing else.
public actor LoopbackUnits: Units {
    private let world: World
    private let layout: EdgeLayout
    private var main: Daemon?
    private var operations: [String] = []
    private var running: [String: Task<Finished, any Error>] = [:]

    /// `world`: where its children run.
    public init(_ world: World, _ layout: EdgeLayout) {
        (self.world, self.layout) = (world, layout)
    }

    /// Pid of HAProxy's master.
    public var pid: Int32? { main?.child.pid }

    /// Programs of the transient units so far.
    public var programs: [String] { operations }

    /// Names of the transient units that run now.
    public var busy: [String] { running.keys.sorted() }

    /// Waits for the transient units to end.
    public func settle() async {
        for unit in running.values { _ = try? await unit.value }
    }

    /// Stops HAProxy, if it runs.
    public func end() async {
        await main?.stop()
        main = nil
    }

    public func state(_ unit: String) async throws -> UnitState {
        let isUp = unit == Self.haproxy && main?.isRunning == true || running[unit] != nil
        return UnitState(
            load: unit == Self.haproxy ? "loaded" : "not-found",
            active: isUp ? "active" : "inactive", result: "success", exitCode: 0)
    }

    public func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws {
        guard unit == Self.haproxy else {
            throw Failure(.notFound, "\(verb) of \(unit): Unit \(unit) not found.")
        }
        switch verb {
        case .start: try await start()
        case .stop: await end()
        case .reload: try await reload()
        case .restart:
            await end()
            try await start()
        }
    }

    public func mask(_ unit: String, op: Op) async throws {}

    /// It goes on when who asked for it is gone, and is found again by its name.
    public func run(_ unit: TransientUnit, op: Op) async throws -> Finished {
        if let found = running[unit.name] { return try await found.value }
        operations.append(unit.command.program)
        let processes = world.processes
        let started = Task {
            try await processes.run(
                unit.command, limits: Limits(deadline: unit.deadline), op: op)
        }
        running[unit.name] = started
        defer { running[unit.name] = nil }
        return try await started.value
    }

    private static let haproxy = "haproxy.service"

    /// `Type=notify`: the job ends when HAProxy is ready.
    private func start() async throws {
        guard main?.isRunning != true else { return }
        let (network, socket) = (world.network, layout.runtimeSocket)
        main = try await Daemon.start(
            Command("haproxy", ["-W", "-f", layout.configFile, "-S", layout.masterSocket]),
            in: world
        ) {
            let answer = try? await network.exchange(
                .unix(path: socket), sending: Array(HAProxyRuntime.showInfo.utf8),
                deadline: .seconds(1), bytesMax: HAProxyRuntime.answerBytesMax, op: "units.ready")
            return answer.map { !$0.isEmpty } ?? false
        }
    }

    /// `ExecReload`: a test, then SIGUSR2, which returns before the new worker serves.
    private func reload() async throws {
        guard let main, main.isRunning else {
            throw Failure(.failed, "reload of \(Self.haproxy): it is not active")
        }
        let tested = try await world.processes.run(
            HAProxy.check(layout.configFile), limits: Limits(deadline: .seconds(30)),
            op: "units.reload")
        guard tested.succeeded, kill(main.child.pid, SIGUSR2) == 0 else {
            throw Failure(.failed, "reload of \(Self.haproxy): \(tested.sentence)")
        }
    }
}
