/// What the fresh check of one step found, for a plan: nothing was changed.
public struct StepFinding: Codable, Hashable, Sendable {
    public enum Verdict: Codable, Hashable, Sendable {
        case found(Condition)
        /// The check itself failed.
        case failed(Failure)
        /// This agent does not know the step's kind.
        case unsupported
    }

    public let id: StepID
    public let verdict: Verdict
    /// What the step would change in a file, as ``UnifiedDiff`` writes it; empty for none.
    public let diff: String

    public init(id: StepID, verdict: Verdict, diff: String = "") {
        self.id = id
        self.verdict = verdict
        self.diff = diff
    }
}
