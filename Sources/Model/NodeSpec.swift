/// What one node should be, whole and never a delta: written by the coordinator only.
///
/// `generation` grows with every change of this node's spec; `epoch` and `run` name the driving
/// start of the coordinator that sent it (see ``Fence``).
public struct NodeSpec: Codable, Hashable, Sendable {
    public let cluster: ClusterID
    public let node: NodeName
    public let epoch: UInt64
    public let run: RunID
    public let generation: UInt64
    /// SHA-256 over the steps' JSON: two specs of one generation must have the same.
    public let digest: Digest
    public let steps: [StepSpec]
    /// Where the coordinator is from now on, `host:port` each; nil if that is not new.
    public let coordinators: [String]?

    public init(
        cluster: ClusterID, node: NodeName, epoch: UInt64, run: RunID, generation: UInt64,
        digest: Digest, steps: [StepSpec], coordinators: [String]? = nil
    ) {
        self.cluster = cluster
        self.node = node
        self.epoch = epoch
        self.run = run
        self.generation = generation
        self.digest = digest
        self.steps = steps
        self.coordinators = coordinators
    }
}

/// One piece of a node, and whether it should be there.
public struct StepSpec: Codable, Hashable, Sendable {
    public enum Presence: String, Codable, Sendable { case present, absent }

    public let id: StepID
    public let presence: Presence
    /// Steps that must be right before this one is tried.
    public let needs: [StepID]
    public let body: StepBody

    public init(
        id: StepID, presence: Presence = .present, needs: [StepID] = [], body: StepBody
    ) {
        self.id = id
        self.presence = presence
        self.needs = needs
        self.body = body
    }
}
