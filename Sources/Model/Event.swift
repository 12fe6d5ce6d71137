import FoundationEssentials

/// Something worth remembering: who changed what, why, and how it ended.
public struct Event: Codable, Hashable, Sendable {
    public enum Outcome: String, Codable, Sendable { case started, done, failed }

    public let at: Date
    /// Who acted: `agent/controller-1`, `coordinator`, an operator's user name.
    public let actor: String
    /// What it was done to: `step/haproxy`, `stage/provision`.
    public let subject: String
    /// Why: `generation 3`, `drift`, `renewal window`.
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
