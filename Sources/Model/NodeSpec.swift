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
    /// True if a person wants right what somebody has changed, whatever its ``DriftPolicy``; nil if
    /// not. No part of the digest: it is about this start of a coordinator only.
    public let mendsDrift: Bool?

    public init(
        cluster: ClusterID, node: NodeName, epoch: UInt64, run: RunID, generation: UInt64,
        digest: Digest, steps: [StepSpec], coordinators: [String]? = nil,
        mendsDrift: Bool? = nil
    ) {
        self.cluster = cluster
        self.node = node
        self.epoch = epoch
        self.run = run
        self.generation = generation
        self.digest = digest
        self.steps = steps
        self.coordinators = coordinators
        self.mendsDrift = mendsDrift
    }
}

/// One piece of a node, and whether it should be there.
public struct StepSpec: Hashable, Sendable {
    public enum Presence: String, Codable, Sendable { case present, absent }

    public let id: StepID
    public let presence: Presence
    /// Steps that must be right before this one is tried.
    public let needs: [StepID]
    public let body: StepBody
    public let drift: DriftPolicy

    public init(
        id: StepID, presence: Presence = .present, needs: [StepID] = [], body: StepBody,
        drift: DriftPolicy = .repair
    ) {
        self.id = id
        self.presence = presence
        self.needs = needs
        self.body = body
        self.drift = drift
    }
}

extension StepSpec: Codable {
    private enum Key: String, CodingKey { case id, presence, needs, body, drift }

    public init(from decoder: any Decoder) throws {
        let spec = try decoder.container(keyedBy: Key.self)
        id = try spec.decode(StepID.self, forKey: .id)
        presence = try spec.decode(Presence.self, forKey: .presence)
        needs = try spec.decode([StepID].self, forKey: .needs)
        body = try spec.decode(StepBody.self, forKey: .body)
        drift = try spec.decode(.drift, or: .repair)
    }

    /// `repair` is what a spec without a policy means, so that such specs keep their digest.
    public func encode(to encoder: any Encoder) throws {
        var spec = encoder.container(keyedBy: Key.self)
        try spec.encode(id, forKey: .id)
        try spec.encode(presence, forKey: .presence)
        try spec.encode(needs, forKey: .needs)
        try spec.encode(body, forKey: .body)
        if drift != .repair { try spec.encode(drift, forKey: .drift) }
    }
}
