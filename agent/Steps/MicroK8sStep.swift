import Model
import Outside
import Tools
import Trust

/// MicroK8s is installed from the channel of the spec, active, held back from refreshing, ready,
/// and has the add-ons of the spec.
///
/// Refreshes to another channel only from one that a spec has named before: a channel that a person
/// chose is left alone. Never removes the snap, which would take the volumes along.
struct MicroK8sStep: Step {
    /// Completes a TLS handshake with this node's API server, or throws.
    typealias Reach = @Sendable () async throws -> Void

    let id: StepID
    let spec: MicroK8sSpec
    /// The agent's own folder.
    let state: String
    let reach: Reach

    init(
        id: StepID, spec: MicroK8sSpec, state: String,
        reach: @escaping Reach = MicroK8sStep.handshake
    ) {
        self.id = id
        self.spec = spec
        self.state = state
        self.reach = reach
    }

    static let handshake: Reach = {
        _ = try await Probe.connect(
            host: "127.0.0.1", port: MicroK8s.apiPort,
            name: DomainName(unchecked: "kubernetes.default.svc"))
    }

    private var installation: SnapInstallation { SnapInstallation(snap: "microk8s") }
    /// The add-ons that MicroK8s last said are enabled; asking it takes seconds of CPU.
    private var record: String { "\(state)/microk8s-addons.json" }
    /// The channel that was asked for last, and the one that is left for it.
    private var channels: String { "\(state)/microk8s-channels.json" }

    func check(_ world: World) async throws -> Condition {
        guard let snap = try await installation.find(world) else { return .missing }
        var differences = installation.differences(
            of: snap, channel: spec.channel, now: world.clock.now())
        guard snap.isActive else { return .differs(differences) }
        if try isMember(world) {
            // Its port leads to the control plane, whose troubles are not this step's.
            return differences.isEmpty ? .right : .differs(differences)
        }
        do { try await reach() } catch is CancellationError { throw CancellationError() } catch {
            let found = Failure(error, trying: "calling it").message
            differences.append(Difference("API server", found: found, wanted: "answers"))
        }
        let enabled = try recorded(world)
        differences += spec.addons.filter { enabled?.contains($0) != true }.map {
            Difference("add-on \($0)", found: "not seen", wanted: "enabled")
        }
        if enabled == nil, spec.addons.isEmpty {
            differences.append(Difference("MicroK8s", found: "never seen ready", wanted: "ready"))
        }
        return differences.isEmpty ? .right : .differs(differences)
    }

    /// Throws `conflict` if another channel or launch configuration is there already, `unavailable`
    /// while snapd is busy, `timeout` with MicroK8s' own last lines if it does not become ready.
    func apply(_ world: World) async throws { try await apply(world, telling: { _ in }) }

    func apply(_ world: World, telling tell: @escaping Telling) async throws {
        let snap = try await installation.find(world)
        if snap == nil { try writeConfiguration(world) }
        let left = try named(world).filter { $0 == snap?.tracked && $0 != spec.channel }
        try remember(left + [spec.channel], world)
        try await installation.install(
            channel: spec.channel, leaving: Set(left), world, telling: tell)
        try remember([spec.channel], world)
        if try isMember(world) { return }
        await tell("waiting for it to be ready")
        let readiness = MicroK8sReadiness(id: id)
        var enabled = try await readiness.enabledAddons(world)
        try await readiness.configurationApplied(world)
        for addon in spec.addons where !enabled.contains(addon) {
            await tell("enabling \(addon)")
            enabled = try await readiness.enable(addon, world)
        }
        try world.files.replace(
            record, with: try JSON.encode(enabled.sorted()), mode: 0o600, op: "microk8s.record")
    }

    func remove(_ world: World) async throws {
        if try await installation.find(world) == nil { return }
        throw Failure(
            .unsupported, "removing MicroK8s: it would delete the volumes of this node",
            fix: "run `snap remove --purge microk8s` on the node")
    }

    func detail(_ world: World) async -> String {
        guard let snap = try? await installation.find(world) else { return "not installed" }
        return "\(snap.version ?? "unknown version"), revision \(snap.revision ?? "unknown")"
    }

    private func isMember(_ world: World) throws -> Bool {
        try world.files.info(MicroK8s.workerLock) != nil
    }

    private func recorded(_ world: World) throws -> [String]? { try list(record, world) }

    /// The channels that specs have named.
    private func named(_ world: World) throws -> [String] { try list(channels, world) ?? [] }

    /// Before snapd is asked, so that a crash in between leaves no channel that nobody knows.
    private func remember(_ named: [String], _ world: World) throws {
        guard try self.named(world) != named else { return }
        try world.files.replace(
            channels, with: try JSON.encode(named), mode: 0o600, op: "microk8s.channels")
    }

    private func list(_ path: String, _ world: World) throws -> [String]? {
        guard let bytes = try world.files.readIfThere(path, bytesMax: 64 << 10) else {
            return nil
        }
        return try? JSON.decode([String].self, from: bytes, what: path)
    }

    /// Before the install, whose hook reads it: later it would be too late for certificates.
    private func writeConfiguration(_ world: World) throws {
        for path in MicroK8s.overridingConfigurations where try world.files.info(path) != nil {
            throw Failure(
                .conflict,
                "writing the launch configuration: \(path) is there and would be read instead",
                fix: "move \(path) away on the node")
        }
        let path = MicroK8s.launchConfiguration
        let text = try MicroK8s.launchText(spec)
        guard try world.files.text(path) != text else { return }
        try world.files.makeDirectory(
            "/var/snap/microk8s/common", mode: 0o755, op: "microk8s.folder")
        try world.files.replace(
            path, with: Array(text.utf8), mode: 0o600, op: "microk8s.configuration")
    }
}
