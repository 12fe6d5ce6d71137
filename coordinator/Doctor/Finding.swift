import Model

/// One thing that `jeeves doctor` found: what it is about, what is so, and what to type next.
public struct Finding: Hashable, Sendable {
    public enum Severity: String, Encodable, Sendable {
        case problem
        /// Worth knowing; somebody may have meant it.
        case note
    }

    /// What was compared; programs know a finding by it.
    public enum Rule: String, Encodable, Sendable {
        case unanswered
        case notProvisioned = "not-provisioned"
        case machineDown = "machine-down"
        case orphan
        case agentAway = "agent-away"
        case agentSilent = "agent-silent"
        case agentUnknown = "agent-unknown"
        case agentVersion = "agent-version"
        case specRefused = "spec-refused"
        case haproxy
        case drift
        case revoked
        case memberStale = "member-stale"
        case memberUnknown = "member-unknown"
        case memberLost = "member-lost"
        case memberMissing = "member-missing"
        case memberNotReady = "member-not-ready"
        case drainForgotten = "drain-forgotten"
        case closedByPerson = "closed-by-person"
        case departure
        case rollout
        case held
    }

    /// What `jeeves doctor --fix` can do about it; it does nothing else.
    public enum Remedy: Hashable, Sendable {
        /// Have the control plane forget a member that is no machine any more.
        case remove(NodeName)
        /// Let a worker take pods again that we closed.
        case open(NodeName)

        /// For the question: what is going to be done.
        public var sentence: String {
            switch self {
            case .remove(let node): "remove \(node) from Kubernetes' members"
            case .open(let node): "open \(node) to pods again"
            }
        }
    }

    public let rule: Rule
    public let severity: Severity
    /// As in events: `node/worker-1`, `rollout/0123456789abcdef`.
    public let subject: String
    public let what: String
    /// A command.
    public let next: String
    public let remedy: Remedy?
    /// Whether the truth could not be asked for, so that `what` says why.
    public let isUnknown: Bool
    /// What differs in a text, as ``UnifiedDiff`` writes it; empty for none.
    public let diff: String

    static func problem(
        _ rule: Rule, _ subject: String, _ what: String, next: String, remedy: Remedy? = nil,
        diff: String = ""
    ) -> Finding {
        Finding(
            rule: rule, severity: .problem, subject: subject, what: what, next: next,
            remedy: remedy, isUnknown: false, diff: diff)
    }

    static func note(_ rule: Rule, _ subject: String, _ what: String, next: String) -> Finding {
        Finding(
            rule: rule, severity: .note, subject: subject, what: what, next: next, remedy: nil,
            isUnknown: false, diff: "")
    }

    /// What is not known may be wrong.
    static func unknown(
        _ rule: Rule, _ subject: String, _ why: String, next: String
    ) -> Finding {
        Finding(
            rule: rule, severity: .problem, subject: subject, what: "unknown: \(why)", next: next,
            remedy: nil, isUnknown: true, diff: "")
    }
}

extension Finding: Encodable {
    private enum Key: String, CodingKey {
        case rule, severity, state, subject, what, next, fixable, diff
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(rule, forKey: .rule)
        try object.encode(severity, forKey: .severity)
        try object.encode(isUnknown ? "unknown" : "found", forKey: .state)
        try object.encode(subject, forKey: .subject)
        try object.encode(what, forKey: .what)
        try object.encode(next, forKey: .next)
        try object.encode(remedy != nil, forKey: .fixable)
        try object.encode(diff, forKey: .diff)
    }
}
