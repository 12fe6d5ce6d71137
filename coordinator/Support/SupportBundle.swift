import FoundationEssentials
import Model
import Outside
import Store
import Tools
import Trust
import Wire

/// One archive for whoever helps: what the cluster is, what happened, and what its nodes say, with
/// everything secret taken out. Changes nothing; what cannot be asked is named in it.
public struct SupportBundle: Sendable {
    static let logLines = 1000
    static let rolloutsMax = 10
    private static let limits = Limits(deadline: .seconds(30), outputBytesMax: 1 << 20)

    /// What came of it.
    public struct Made: Codable, Sendable, Hashable {
        /// A file of the archive.
        public struct File: Codable, Sendable, Hashable {
            /// Relative to the archive's folder.
            public let path: String
            public let bytes: Int
        }

        public let path: String
        public let bytes: Int
        /// Of the archive as it was written.
        public let sha256: Digest
        public let files: [File]
        /// What is missing and why, a sentence each.
        public let omissions: [String]
        /// Nodes that did not answer.
        public let silent: [NodeName]
    }

    let project: Project
    let store: Store
    let world: World
    let environment: [String: String]
    let since: Date

    /// Throws `notFound` before `jeeves init`. `environment` is read for secrets to take out.
    public init(
        _ project: Project, world: World, environment: [String: String], since: Date
    ) throws {
        try project.requireState(world.files)
        self.init(
            project: project, store: try Store.open(path: project.store), world: world,
            environment: environment, since: since)
    }

    init(
        project: Project, store: Store, world: World, environment: [String: String], since: Date
    ) {
        self.project = project
        self.store = store
        self.world = world
        self.environment = environment
        self.since = since
    }

    /// A name that says whose it is and when it was made.
    public var name: String {
        let stamp = world.clock.now().formatted(.iso8601).filter { !"-:".contains($0) }
        return "jeeves-support-\(cluster?.cluster.rawValue ?? "cluster")-\(stamp)"
    }

    /// What is wanted now or, if the cluster file cannot be read, what was reached last.
    private var cluster: ClusterSpec? {
        (try? project.spec(world.files)) ?? (try? Rollouts(store).lastCheckpoint())?.goal?.cluster
    }

    /// Throws `conflict` if something is at `path`: before anybody is asked.
    public func requireFree(_ path: String) throws {
        try BundleArchive.requireFree(path, world.files)
    }

    /// Gathers everything and writes it to `path` with mode 0600. Throws `conflict` if something is
    /// there, `failed` if nothing at all could be gathered.
    public func make(at path: String, _ witness: Witness) async throws -> Made {
        try requireFree(path)
        let name = name
        let known = KnownSecrets(
            project: project, cluster: cluster, environment: environment, files: world.files)
        var contents = BundleContents(redactor: Redactor(known.all() + witness.secrets))
        try await gatherCluster(witness, into: &contents)
        try await gatherPast(into: &contents)
        try await gatherVersions(into: &contents)
        let silent = try await gatherNodes(witness, into: &contents)
        guard !contents.parts.isEmpty else {
            let reasons = contents.omissions.map { "\($0.path): \($0.reason)" }
            throw Failure(
                .failed,
                "gathering a support bundle: nothing came (\(reasons.joined(separator: "; ")))",
                fix: "look at `jeeves status --cached`")
        }
        let readme = BundleContents.Part(
            path: "README.txt", about: "",
            text: contents.readme(of: name, at: world.clock.now(), since: since))
        let parts = [readme] + contents.parts
        let archive = try await BundleArchive(world: world, folder: project.state).write(
            parts, named: name, to: path)
        return Made(
            path: path, bytes: archive.count, sha256: Hash.sha256(archive),
            files: parts.map { .init(path: $0.path, bytes: $0.text.utf8.count) },
            omissions: contents.omissions.map { "\($0.path): \($0.reason)" }, silent: silent)
    }

    private func gatherCluster(
        _ witness: Witness, into contents: inout BundleContents
    ) async throws {
        try await contents.add("status.json", "jeeves status") {
            try Self.text(of: await witness.status())
        }
        try await contents.add("doctor.json", "what jeeves doctor found") {
            try Self.text(of: await witness.examination())
        }
        try await contents.add("plan.json", "what jeeves up would change") {
            try Self.text(of: await witness.plan())
        }
        try await contents.add("cluster.yaml", "the cluster file") {
            try world.files.text(project.clusterFile, bytesMax: ClusterFile.bytesMax) ?? ""
        }
    }

    private func gatherPast(into contents: inout BundleContents) async throws {
        try await contents.add("events.jsonl", "who changed what, one document a line") {
            try store.events(from: 0).events.filter(EventFilter(since: since).admits).map {
                String(decoding: try JSON.encode($0), as: UTF8.self) + "\n"
            }.joined()
        }
        try await contents.add("rollouts.json", "the newest rollouts with their programs") {
            let desk = RolloutDesk(store: store, world: world)
            return try Self.text(of: desk.history(Self.rolloutsMax).map { try desk.record($0.id) })
        }
        try await contents.add("timeline.json", "what happened in its order") {
            try Self.text(of: Timeline(store: store).entries(since: since))
        }
    }

    private func gatherVersions(into contents: inout BundleContents) async throws {
        let terraform = Terraform(folder: "/", environment: [:], secrets: [:])
        try await contents.add("versions.txt", "programs of this machine, and the agents") {
            let agents = try store.list(NodeStatus.self, .statuses).map {
                "jeeves-agent \($0.agentVersion) on \($0.node)"
            }
            let programs = [
                await version(terraform.version(), op: "terraform.version"),
                await version(Helm.version(), op: "helm.version"),
                await version(Kubectl.version(), op: "kubectl.version"),
            ]
            return (["jeeves \(Release.version)"] + agents + programs).joined(separator: "\n")
                + "\n"
        }
    }

    /// What a program says of itself, or why it says nothing, in one line.
    private func version(_ command: Command, op: Op) async -> String {
        do {
            let text = try await world.processes.output(of: command, limits: Self.limits, op: op)
            return "\(command): \(text.split(whereSeparator: \.isNewline).joined())"
        } catch { return Failure(error, trying: "asking").message }
    }

    private static func text(of value: some Encodable) throws -> String {
        String(decoding: try JSON.encode(value, pretty: true), as: UTF8.self) + "\n"
    }
}
