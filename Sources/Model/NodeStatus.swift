import FoundationEssentials

/// What one node is: written by its agent only, sent whole, and the heartbeat of the link.
public struct NodeStatus: Codable, Hashable, Sendable {
    public let node: NodeName
    /// Generation that the steps below are about; 0 before the first spec.
    public let generation: UInt64
    public let steps: [StepStatus]
    /// Start of a coordinator since whose spec every step has been checked; nil before the first
    /// whole pass. Who asks anew has to wait for a new look.
    public let checkedFor: RunID?
    public let facts: Facts
    public let agentVersion: String
    public let reportedAt: Date
    /// Why the last spec was refused, until one is accepted.
    public let refused: Failure?

    public init(
        node: NodeName, generation: UInt64, steps: [StepStatus],
        checkedFor: RunID? = nil, facts: Facts, agentVersion: String, reportedAt: Date,
        refused: Failure? = nil
    ) {
        self.node = node
        self.generation = generation
        self.steps = steps
        self.checkedFor = checkedFor
        self.facts = facts
        self.agentVersion = agentVersion
        self.reportedAt = reportedAt
        self.refused = refused
    }

    /// Whether every step of generation `generation` is as its spec wants it.
    public func isConverged(generation: UInt64) -> Bool {
        self.generation == generation && steps.allSatisfy { $0.state == .converged }
    }
}

extension NodeStatus {
    /// Whether somebody has changed a step whose drift is only reported.
    public var hasDrifted: Bool { steps.contains { $0.state.drift != nil } }

    /// Why a step is not as its spec wants it, in a few words; nil if it is.
    public func trouble(with id: StepID) -> String? {
        switch steps.first(where: { $0.id == id })?.state {
        case .converged: nil
        case .converging: "being made right"
        case .failed(let failure): failure.message
        case .drifted(let drift): "drifted: \(drift.what)"
        case .unsupported: "unknown to its agent"
        case .waiting, nil: "not checked yet"
        }
    }
}

/// How one step stands.
public struct StepStatus: Hashable, Sendable {
    public let id: StepID
    public let state: StepState
    /// What is running now in one line, for a person: `serial 04ab…, until 2026-12-01`.
    public let detail: String
    /// What the step keeps on disk, if that is a public certificate.
    public let certificate: PublicCertificate?

    public init(
        id: StepID, state: StepState, detail: String = "", certificate: PublicCertificate? = nil
    ) {
        self.id = id
        self.state = state
        self.detail = detail
        self.certificate = certificate
    }
}

extension StepStatus: Codable {
    private enum Key: String, CodingKey { case id, state, detail, certificate, drift }

    public init(from decoder: any Decoder) throws {
        let status = try decoder.container(keyedBy: Key.self)
        id = try status.decode(StepID.self, forKey: .id)
        let drift = try status.decodeIfPresent(Drift.self, forKey: .drift)
        state = try drift.map(StepState.drifted) ?? status.decode(StepState.self, forKey: .state)
        detail = try status.decode(String.self, forKey: .detail)
        certificate = try status.decodeIfPresent(PublicCertificate.self, forKey: .certificate)
    }

    /// A coordinator that knows no drift reads `waiting`, and keeps its link.
    public func encode(to encoder: any Encoder) throws {
        let drift = state.drift
        var status = encoder.container(keyedBy: Key.self)
        try status.encode(id, forKey: .id)
        try status.encode(drift == nil ? state : .waiting, forKey: .state)
        try status.encodeIfPresent(drift, forKey: .drift)
        try status.encode(detail, forKey: .detail)
        try status.encodeIfPresent(certificate, forKey: .certificate)
    }
}

public enum StepState: Codable, Hashable, Sendable {
    /// An earlier step has to be right first, or a pass has not reached it.
    case waiting
    /// Being applied; `attempt` counts from 1 and starts again with a new generation.
    case converging(attempt: Int)
    case converged
    /// The last attempt failed; it is tried again with back-off.
    case failed(Failure)
    /// It was right, somebody has changed it, and the spec wants that to be reported only.
    case drifted(Drift)
    /// This agent does not know the step's kind.
    case unsupported

    /// What somebody changed, if that is only reported.
    public var drift: Drift? {
        if case .drifted(let drift) = self { drift } else { nil }
    }
}

/// What the agent found the machine to be.
public struct Facts: Codable, Hashable, Sendable {
    /// `ID` and `VERSION_ID` of os-release(5), joined by a space: `debian 12`.
    public let system: String
    public let kernel: String
    /// Changes at every boot (random(4), `boot_id`).
    public let bootID: String
    /// Address of the interface with the default route.
    public let address: String
    /// EC2's instance id; empty elsewhere.
    public let instanceID: String

    public init(
        system: String, kernel: String, bootID: String, address: String, instanceID: String
    ) {
        self.system = system
        self.kernel = kernel
        self.bootID = bootID
        self.address = address
        self.instanceID = instanceID
    }
}
