import FoundationEssentials
import Model
import Outside
import Store

/// Everything a person sees of a cluster at once; each part says how old it is.
public struct ClusterStatus: Codable, Sendable {
    public struct Node: Codable, Sendable {
        public let name: NodeName
        public let role: MicroK8sSpec.Role
        public let instanceID: String
        public let address: String
        public let publicAddress: String
        public let connected: Bool
        /// Shut out by `jeeves node revoke`.
        public let revoked: Bool
        public let status: NodeStatus?
        /// Time since the report, for people: `2d4h`; the report itself says when.
        public let age: String
    }

    /// One layer of the cluster in one line.
    public struct Layer: Codable, Sendable, Hashable {
        public enum State: String, Codable, Sendable {
            case right, wrong
            /// It could not be asked; the detail says why.
            case unknown
        }

        public let name: String
        public let state: State
        public let detail: String
    }

    public let cluster: ClusterID
    public let domain: DomainName
    /// Infrastructure, DNS, edge, cluster, ingress and application, as last looked at.
    public let layers: [Layer]
    /// When the layers were looked at; nil if never.
    public let lookedAt: Date?
    /// In the order of their names.
    public let nodes: [Node]
    public let gate: Gate.Verdict?
    public let rollout: Rollout?

    /// The node at which people's traffic arrives; nil before there is one.
    public var edge: Node? {
        let roles = nodes.map { ($0.name, $0.role) }
        let name = Infrastructure.edge(of: Dictionary(roles, uniquingKeysWith: { $1 }))
        return nodes.first { $0.name == name }
    }

    /// Whether a coordinator runs now; it writes down what the agents say.
    public static func isDriven(_ project: Project, world: World) throws -> Bool {
        try project.requireState(world.files)
        return try Store.open(path: project.store).lease(at: world.clock.now()) != nil
    }

    /// What was last reported. Throws `notFound` before `jeeves init`.
    public static func cached(_ project: Project, world: World) throws -> ClusterStatus {
        let spec = try project.spec(world.files)
        try project.requireState(world.files)
        return try read(
            spec, store: Store.open(path: project.store), connected: [], now: world.clock.now())
    }

    static func read(
        _ spec: ClusterSpec, store: Store, connected: Set<NodeName>, now: Date
    ) throws -> ClusterStatus {
        let infrastructure = try store.get(
            Infrastructure.self, .meta, StageRun.infrastructureKey)
        let denied = try Revocations(store).all()
        let nodes = try (infrastructure?.machines ?? [:]).sorted { $0.key < $1.key }.map {
            name, machine in
            let status = try store.get(NodeStatus.self, .statuses, name.rawValue)
            let age = status.map { Duration.seconds(now.timeIntervalSince($0.reportedAt)) }
            return Node(
                name: name, role: machine.role, instanceID: machine.instanceID,
                address: machine.privateAddress, publicAddress: machine.publicAddress,
                connected: connected.contains(name), revoked: denied.contains(name.rawValue),
                status: status,
                age: age?.ageText ?? "-")
        }
        let layers = try store.get(LayersLook.Result.self, .meta, LayersLook.key)
        return ClusterStatus(
            cluster: spec.cluster, domain: spec.domain, layers: layers?.layers ?? [],
            lookedAt: layers?.at, nodes: nodes,
            gate: try store.get(Gate.Verdict.self, .meta, Verify.verdictKey),
            rollout: try Rollouts(store).last())
    }
}

/// What `jeeves up` did.
public struct UpReport: Sendable {
    public let domain: DomainName
    public let rollout: Rollout
    public let gate: Gate.Verdict?
}
