extension StepState {
    /// The state in one word, for tables.
    public var word: String {
        switch self {
        case .waiting: "waiting"
        case .converging(let attempt): "try \(attempt)"
        case .converged: "right"
        case .failed: "failed"
        case .unsupported: "unsupported"
        }
    }
}

extension StepStatus {
    /// What there is to say about the step: why it failed, or what is running.
    public var explanation: String {
        if case .failed(let failure) = state { return failure.message }
        return detail
    }
}
