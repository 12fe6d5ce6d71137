import FoundationEssentials

extension StepState {
    /// The state without what belongs to it: what figures, colours and alerts know.
    public enum Kind: String, CaseIterable, Sendable {
        case waiting, converging, right, failed, drifted, unsupported
    }

    public var kind: Kind {
        switch self {
        case .waiting: .waiting
        case .converging: .converging
        case .converged: .right
        case .failed: .failed
        case .drifted: .drifted
        case .unsupported: .unsupported
        }
    }

    /// The state in one word, for tables.
    public var word: String {
        if case .converging(let attempt) = self { "try \(attempt)" } else { kind.rawValue }
    }
}

extension StepStatus {
    /// What there is to say about the step: why it failed, or what is running.
    public var explanation: String {
        switch state {
        case .failed(let failure): failure.message
        case .drifted(let drift): drift.what
        default: detail
        }
    }

    /// The state in one word, and the certificate's alert if it is one of trouble.
    public func word(now: Date) -> String {
        guard let alert = ServedCertificate(detail)?.alert(now: now), alert.isTrouble else {
            return state.word
        }
        return "\(state.word), \(alert.rawValue)"
    }
}
