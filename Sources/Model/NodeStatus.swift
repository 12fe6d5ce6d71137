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
    /// Why a step is not as its spec wants it, in a few words; nil if it is.
    public func trouble(with id: StepID) -> String? {
        switch steps.first(where: { $0.id == id })?.state {
        case .converged: nil
        case .converging: "being made right"
        case .failed(let failure): failure.message
        case .unsupported: "unknown to its agent"
        case .waiting, nil: "not checked yet"
        }
    }
}

/// How one step stands.
public struct StepStatus: Codable, Hashable, Sendable {
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

public enum StepState: Codable, Hashable, Sendable {
    /// An earlier step has to be right first, or a pass has not reached it.
    case waiting
    /// Being applied; `attempt` counts from 1 and starts again with a new generation.
    case converging(attempt: Int)
    case converged
    /// The last attempt failed; it is tried again with back-off.
    case failed(Failure)
    /// This agent does not know the step's kind.
    case unsupported
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
