import Agent
import Logging
import Model
import Outside
import ServiceLifecycle
import Trust
import Wire

/// Wires the live world to the agent's services and runs them until systemd says stop.
struct Daemon {
    let settingsPath: String
    let state: StateFolder

    private static let restInterval = Duration.seconds(120)
    private static let shareMax = 18 << 20

    func run() async throws {
        let world = World.live()
        let log = Logger(label: "jeeves-agent", factory: { JournalLog.handler(label: $0) })
        let settings = try Settings.read(world.files, path: settingsPath)
        try state.prepare(world.files)
        try ProcessLock.take(
            "\(state.path)/lock", trying: "starting the agent",
            fix: "`systemctl restart jeeves-agent` starts it anew; `jeeves-agent status` says how "
                + "the node is")
        try world.files.makeDirectory("/run/jeeves", mode: 0o755, op: "run.folder")
        let instanceID = (try? await InstanceMetadata(world: world).instanceID()) ?? ""
        let events = EventSpool(files: world.files, state: state)
        let reconciler = Reconciler(
            settings: settings, state: state, world: world,
            facts: Facts.gather(world, instanceID: instanceID), events: events,
            version: Release.version, log: log,
            makeStep: { Catalog.makeStep($0, node: settings.node, state: state.path) })
        let dialler = Dialler(settings: settings, clock: world.clock)
        let tunnels = Tunnels(log: log) { number in
            try await dialler.carry(number, state: state, files: world.files)
        }
        let uplink = Uplink(
            settings: settings, state: state, world: world, reconciler: reconciler,
            events: events,
            requests: Requests(
                world: world, tunnels: tunnels,
                reconciler: reconciler),
            version: Release.version, log: log, dial: dialler.dial)
        let inquiry = RenewalInquiry(reconciler: reconciler, world: world, log: log)
        let group = ServiceGroup(
            services: [
                Endless { await reconciler.run() },
                Endless { await uplink.run() },
                Endless { await StatusFile(files: world.files).follow(reconciler) },
                Endless { await inquiry.run() },
                Endless { await watch(world) },
                Endless { await rest(world) },
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        Notifier.ready("node \(settings.node) of \(settings.cluster)")
        try await group.run()
        Notifier.stopping()
    }

    /// Tells systemd's watchdog that we live, as often as it asks for.
    private func watch(_ world: World) async {
        guard let interval = Notifier.watchdogInterval() else { return }
        while !Task.isCancelled {
            Notifier.alive()
            try? await world.clock.sleep(interval / 2, op: "watchdog")
        }
    }

    /// Start-up and the first passes need far more memory than the quiet after them.
    private func rest(_ world: World) async {
        while !Task.isCancelled {
            try? await world.clock.sleep(Self.restInterval, op: "memory")
            try? SpareMemory.release(above: Self.shareMax, world.files)
        }
    }
}

/// Work that goes on until the process is asked to stop, and is cancelled then.
struct Endless: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
        // A service that returns ends the group: wait for the stop that ended the work.
        try? await gracefulShutdown()
    }
}
