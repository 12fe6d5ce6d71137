import Model
import Outside
import Tools

/// Waits until MicroK8s is ready and its add-ons are there, by what it prints and never by its exit
/// code. Every wait ends, with MicroK8s' own last lines.
struct MicroK8sReadiness: Sendable {
    let id: StepID

    /// For MicroK8s itself; on top of it a status may ask an unhappy dqlite for a minute.
    static let readyMax = Duration.seconds(300)
    static let addonMax = Duration.seconds(300)
    private static let dqliteMax = Duration.seconds(90)

    /// Waits until MicroK8s is ready. Throws `timeout` with its last line if it does not get there.
    func enabledAddons(_ world: World) async throws -> Set<String> {
        switch try await status(world) {
        case .running(let addons): return addons
        case .worker:
            throw Failure(
                .conflict, "waiting for MicroK8s: this node became a worker of some cluster",
                fix: "run `microk8s leave` on the node")
        case .notReady(let reason):
            throw Failure(
                .timeout,
                "waiting for MicroK8s: not ready after \(Self.readyMax.shortText): \(reason); "
                    + "its log ends: \(await logEnd(world))",
                fix: "run `jeeves logs NODE --source microk8s`")
        }
    }

    /// Waits until the cluster agent has applied the launch configuration. It tries a broken one
    /// for ever, every five seconds, so this throws `timeout` with the end of its log.
    func configurationApplied(_ world: World) async throws {
        do {
            try await world.clock.poll(
                every: .seconds(5), atMost: Self.addonMax,
                waitingFor: "the launch configuration's add-ons", op: "microk8s.launch.wait"
            ) { try world.files.info(MicroK8s.pendingConfiguration) == nil ? () : nil }
        } catch let failure as Failure where failure.code == .timeout {
            throw Failure(
                .timeout, "\(failure.message); its log ends: \(await logEnd(world))",
                fix: "run `jeeves logs NODE --source microk8s`")
        }
    }

    /// Enables one add-on unless it is, and waits until MicroK8s sees it. Returns what is enabled.
    func enable(_ addon: String, _ world: World) async throws -> Set<String> {
        // The launch configuration may have brought it since the last look.
        let before = try await enabledAddons(world)
        if before.contains(addon) { return before }
        let unit = try TransientUnit.operation(
            of: id, MicroK8s.enable(addon), deadline: Self.addonMax)
        let finished = try await world.units.run(unit, op: "microk8s.enable")
        do {
            return try await world.clock.poll(
                every: .seconds(5), atMost: .seconds(120), waitingFor: "the add-on \(addon)",
                op: "microk8s.addon.wait"
            ) {
                let enabled = try await enabledAddons(world)
                return enabled.contains(addon) ? enabled : nil
            }
        } catch let failure as Failure where failure.code == .timeout {
            throw Failure(
                .timeout,
                "\(failure.message); `microk8s enable` said: "
                    + MicroK8s.sentence(finished),
                fix: "run `microk8s status` on the node")
        }
    }

    private func status(_ world: World) async throws -> MicroK8s.Status {
        let unit = try TransientUnit.operation(
            of: id, MicroK8s.status(timeout: Self.readyMax),
            deadline: Self.readyMax + Self.dqliteMax)
        return MicroK8s.status(in: try await world.units.run(unit, op: "microk8s.status"))
    }

    /// The last lines of the cluster agent's journal, for an error; a log that cannot be read is no
    /// second error.
    private func logEnd(_ world: World) async -> String {
        let log = try? await world.processes.output(
            of: MicroK8s.clusterAgentLog(),
            limits: Limits(deadline: .seconds(10), outputBytesMax: 16 << 10),
            op: "microk8s.log")
        let lines = (log ?? "").split(whereSeparator: \.isNewline).suffix(3)
        return lines.isEmpty ? "(empty)" : String(lines.joined(separator: " | ").suffix(800))
    }
}
