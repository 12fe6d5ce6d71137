import Logging
import Model
import Outside
import Store
import Support
import Trust

@testable import Coordinator

/// A cluster's state folder on a machine of its own: the real coordinator can be started on it, on
/// a port of loopback, as often as a test likes.
final class Fleet: Sendable {
    static let account = "123456789012"
    static let role = "chat-node"

    let fake: FakeWorld
    let diary = Diary()
    let cluster: ClusterID
    /// Where agents look for the coordinator, also while none runs.
    let address: String
    private let port: ReservedPort
    private let project: Project

    /// Runs `body` with a new cluster whose folder is gone afterwards.
    static func with(
        _ cluster: String = "chat", seed: UInt64 = 1, _ body: (Fleet) async throws -> Void
    ) async throws {
        let fleet = try Fleet(ClusterID(cluster), FakeWorld(autoAdvance: false, seed: seed))
        defer { fleet.erase() }
        _ = try Founding.make(fleet.project, values: fleet.values, world: fleet.fake.world)
        try fleet.adjust()
        try await body(fleet)
    }

    /// Runs `body` with a copy of the state folder, as a restored backup or a second laptop is one.
    func withCopy(seed: UInt64, _ body: (Fleet) async throws -> Void) async throws {
        let copy = try Fleet(
            cluster, FakeWorld(now: fake.clock.now(), autoAdvance: false, seed: seed))
        defer { copy.erase() }
        for path in fake.files.paths where path.hasPrefix(project.folder) {
            copy.fake.files[copy.project.folder + path.dropFirst(project.folder.count)] =
                fake.files[path]
        }
        let disk = World.live().files
        // SQLite is done with its journal a moment after the last coordinator has ended.
        try await eventually("the store is closed") {
            try disk.list(project.state).allSatisfy { $0.hasSuffix(".db") }
        }
        for name in try disk.list(project.state) {
            try disk.replace(
                "\(copy.project.state)/\(name)",
                with: disk.read("\(project.state)/\(name)", bytesMax: 64 << 20), mode: 0o600,
                op: "test.copy")
        }
        try copy.adjust()
        try await body(copy)
    }

    private init(_ cluster: ClusterID, _ fake: FakeWorld) throws {
        let live = World.live()
        self.cluster = cluster
        self.fake = fake
        project = Project(folder: "/tmp/fleet-\(live.chance.runID())")
        port = try ReservedPort()
        address = "127.0.0.1:\(port.number)"
        try live.files.makeDirectory(project.folder, mode: 0o700, op: "test.folder")
        try live.files.makeDirectory(project.state, mode: 0o700, op: "test.folder")
        fake.files.directory(project.folder)
    }

    /// What agents are told to trust.
    var pin: Digest { get throws { try Authority.open(project, files: fake.files).pin } }

    /// What a verb sees that is typed while a coordinator runs.
    var beside: Beside { Beside(project, world: fake.world) }

    /// Drives the cluster as `jeeves serve` does while `body` runs.
    func drive(
        environment: [String: String] = [:],
        _ body: @Sendable @escaping (Driver) async throws -> Void
    ) async throws {
        let keys = ["AWS_ACCESS_KEY_ID": "coordinator", "AWS_SECRET_ACCESS_KEY": "secret"]
        let request = Driver.Request(
            project: project, environment: keys.merging(environment) { $1 },
            options: RolloutOptions(), actor: "test@\(address)")
        try await Driver.drive(
            request, world: fake.world, log: diary.logger, progress: { _ in },
            { try await body($0) })
    }

    /// The example with this machine's port, and a package that nodes fetch elsewhere.
    private func adjust() throws {
        let text = Example.render(values)
            .replacing("listen: 0.0.0.0:7443", with: "listen: \(address)")
            .replacing("url: \"\"", with: "url: http://127.0.0.1/agent.deb")
            .replacing(
                "# sha256: 64 hexadecimal digits",
                with: "sha256: \(String(repeating: "0", count: 64))")
        fake.files[project.clusterFile] = text
    }

    private var values: Founding.Values {
        Founding.Values(
            cluster: cluster, domain: DomainName(unchecked: "chat.example.org"),
            email: "ops@example.org", region: "eu-central-1")
    }

    private func erase() { World.live().files.clear(project.folder) }
}

extension Driver {
    /// A token for `machine`, put where its agent looks for one.
    func giveToken(to machine: Machine, lifetime: Duration = .seconds(600)) throws {
        let token = try Tokens(run.store).make(
            for: machine.node, lifetime: lifetime, now: run.world.clock.now(),
            chance: run.world.chance)
        machine.putToken(token.reveal())
    }

    /// Wants these files on a node, and its agent to know.
    func wish(
        _ paths: [String], generation: UInt64 = 1, on node: NodeName, at addresses: [String]? = nil
    ) async throws {
        let steps = paths.map {
            StepSpec(
                id: StepID(unchecked: String($0.split(separator: "/").last ?? "x")),
                body: .packages(PackagesSpec(names: [$0])))
        }
        await run.downlinks.assign(
            NodeSpec(
                cluster: run.cluster.cluster, node: node, epoch: run.driving.epoch,
                run: run.driving.run, generation: generation, digest: try Hash.digest(of: paths),
                steps: steps, coordinators: addresses))
    }

    /// What the store knows of a node.
    func status(of node: NodeName) throws -> NodeStatus? {
        try run.store.get(NodeStatus.self, .statuses, node.rawValue)
    }

    func isConverged(_ node: NodeName, generation: UInt64 = 1) throws -> Bool {
        try status(of: node)?.isConverged(generation: generation) == true
    }

    /// As a person does beside this coordinator.
    func revoke(_ node: NodeName) throws {
        _ = try Beside(run.project, world: run.world).revoke(node, by: "ann@desk")
    }

    /// As a person does beside this coordinator.
    func allow(_ node: NodeName) throws {
        _ = try Beside(run.project, world: run.world).allow(node, by: "ann@desk")
    }
}
