import Logging
import Model
import Outside
import Support
import Wire

@testable import Agent

/// A node's disk, clock and settings. The real agent can be started on it, as after each boot.
final class Machine: Sendable {
    static let tokenFile = "/etc/jeeves/token"

    let fake = FakeWorld(autoAdvance: false)
    let node: NodeName
    let clock: NapClock
    private let cluster: ClusterID
    private let pin: Digest
    private let addresses: [String]
    private let usesToken: Bool

    /// A machine as first boot leaves it.
    init(
        _ name: String, of fleet: Fleet, pin: Digest? = nil, addresses: [String]? = nil,
        usesToken: Bool = true
    ) throws {
        node = try NodeName(name)
        cluster = fleet.cluster
        self.pin = try pin ?? fleet.pin
        self.addresses = addresses ?? [fleet.address]
        self.usesToken = usesToken
        clock = NapClock(fake.clock)
        try StateFolder().prepare(fake.files)
    }

    /// The text of the file in which the agent looks for its token.
    var token: String? { fake.files[Self.tokenFile] }

    func putToken(_ text: String, mode: UInt16 = 0o600) {
        fake.files.put(Array(text.utf8), at: Self.tokenFile, mode: mode)
    }

    /// The keys and certificates of another machine's disk, copied onto this one.
    func steal(from other: Machine) {
        for path in other.fake.files.paths where path.hasPrefix(StateFolder().identity) {
            fake.files[path] = other.fake.files[path]
        }
    }

    /// The credentials on the disk.
    func credentials() throws -> Credentials? {
        try IdentityFile(files: fake.files, state: StateFolder()).inUse()
    }

    /// Boots, runs the agent while `body` does, and stops it.
    func running(
        addresses: [String]? = nil, _ body: (RunningAgent) async throws -> Void
    ) async throws {
        let agent = boot(
            Settings(
                cluster: cluster, node: node, pin: pin,
                coordinators: addresses ?? self.addresses, region: "eu-central-1",
                tokenFile: usesToken ? Self.tokenFile : nil))
        do {
            try await body(agent)
        } catch {
            await agent.stop()
            throw error
        }
        await agent.stop()
    }

    private func boot(_ settings: Settings) -> RunningAgent {
        var world = fake.world
        world.clock = clock
        let (state, diary) = (StateFolder(), Diary())
        let log = diary.logger
        let events = EventSpool(files: world.files, state: state)
        let reconciler = Reconciler(
            settings: settings, state: state, world: world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: events, version: "1", log: log,
            makeStep: { spec in
                switch spec.body {
                case .packages(let body): FileStep(path: body.names.first ?? "/x")
                case .certificate(let body):
                    CertificateStep(id: spec.id, spec: body, state: state.path)
                default: nil
                }
            })
        let dialler = Dialler(settings: settings, clock: clock)
        let uplink = Uplink(
            settings: settings, state: state, world: world, reconciler: reconciler,
            events: events,
            requests: Requests(
                world: world, tunnels: Tunnels(log: log) { _ in },
                reconciler: reconciler),
            version: "1", log: log, dial: dialler.dial)
        return RunningAgent(
            reconciler: reconciler, events: events, diary: diary,
            tasks: [Task { await reconciler.run() }, Task { await uplink.run() }])
    }
}

/// One life of an agent's process.
struct RunningAgent: Sendable {
    let reconciler: Reconciler
    let events: EventSpool
    let diary: Diary
    fileprivate let tasks: [Task<Void, Never>]

    fileprivate func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}

/// A step whose whole effect is one file.
private struct FileStep: Step {
    let path: String

    func check(_ world: World) async throws -> Condition {
        try world.files.text(path) == "right" ? .right : .missing
    }

    func apply(_ world: World) async throws {
        try world.files.replace(path, with: Array("right".utf8), mode: 0o600, op: "file.replace")
    }

    func remove(_ world: World) async throws {
        try world.files.remove(path, op: "file.remove")
    }
}
