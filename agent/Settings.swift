import Model
import Outside

/// What first boot wrote to `/etc/jeeves/agent.json`: where this node belongs. Never changes after
/// that, and holds no secret.
public struct Settings: Codable, Hashable, Sendable {
    public let cluster: ClusterID
    public let node: NodeName
    /// SHA-256 of the root certificate's DER; checked before anything is sent.
    public let pin: Digest
    /// `host:port` of the coordinator, tried in order.
    public let coordinators: [String]
    /// AWS region whose STS proves this node's identity; empty on nodes that enrol by token.
    public let region: String
    /// File with the enrolment token, mode 0600; for nodes without an AWS role.
    public let tokenFile: String?

    public static let path = "/etc/jeeves/agent.json"

    /// Throws `notFound` or `invalid` with the file's name.
    public static func read(_ files: any Files, path: String = path) throws -> Settings {
        guard let bytes = try files.readIfThere(path, bytesMax: 64 << 10) else {
            throw Failure(
                .notFound, "reading \(path): it is not there",
                fix: "first boot writes it: look at `journalctl -u jeeves-install`")
        }
        let settings = try JSON.decode(Settings.self, from: bytes, what: path)
        guard !settings.coordinators.isEmpty else {
            throw Failure(
                .invalid, "reading \(path): `coordinators` is empty",
                fix: "add the coordinator's host:port and restart jeeves-agent")
        }
        return settings
    }

    /// Throws `code` for a spec of another node or cluster.
    func require(_ spec: NodeSpec, _ code: Failure.Code, trying tried: String) throws {
        guard spec.cluster == cluster, spec.node == node else {
            throw Failure(
                code,
                "\(tried): it is for \(spec.node) of cluster \(spec.cluster), and this is "
                    + "\(node) of cluster \(cluster)",
                fix: "look at `cluster` and `node` in \(Self.path)")
        }
    }
}

/// Where the agent keeps what must survive a reboot.
public struct StateFolder: Sendable, Hashable {
    public let path: String

    public init(_ path: String = "/var/lib/jeeves") { self.path = path }

    var spec: String { "\(path)/spec.json" }
    var drift: String { "\(path)/drift.json" }
    var identity: String { "\(path)/identity" }
    var events: String { "\(path)/events.json" }
    var coordinator: String { "\(path)/coordinator" }

    /// Makes the folders, private to root.
    public func prepare(_ files: any Files) throws {
        try files.makeDirectory(path, mode: 0o700, op: "state.directory")
        try files.makeDirectory("\(path)/identity", mode: 0o700, op: "state.identity")
    }
}
