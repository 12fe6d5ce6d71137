import FoundationEssentials

/// Something worth remembering: who changed what, why, and how it ended.
public struct Event: Codable, Hashable, Sendable {
    public enum Outcome: String, Codable, Sendable {
        case started, paused, done, failed, interrupted, aborted
    }

    public let at: Date
    /// Who acted: `agent/controller-1`, or the operator who did it or ran the coordinator that did
    /// (`ann@desk`).
    public let actor: String
    /// What it was done to: `step/haproxy`, `stage/provision`, `effect/helm.upgrade`,
    /// `node/worker-1`.
    public let subject: String
    /// Why: `generation 3`, `drift`, `rollout 0123456789abcdef`, `operator`.
    public let cause: String
    public let outcome: Outcome
    /// One line for a person; control characters are escaped where it is printed.
    public let detail: String

    public init(
        at: Date, actor: String, subject: String, cause: String, outcome: Outcome, detail: String
    ) {
        self.at = at
        self.actor = actor
        self.subject = subject
        self.cause = cause
        self.outcome = outcome
        self.detail = detail
    }
}
