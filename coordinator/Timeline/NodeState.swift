import Model

/// How a node was: its report without what only tells the time, each text cut, so that no node can
/// fill the store.
public struct NodeState: Codable, Hashable, Sendable {
    static let stepsMax = 64
    static let scalarsMax = 200

    public struct Step: Codable, Hashable, Sendable {
        public let id: StepID
        /// As in tables: `right`, `failed`, `try 2`.
        public let state: String
        /// Why it failed, or what was running.
        public let detail: String
    }

    public let generation: UInt64
    public let steps: [Step]
    /// Why its last spec was refused.
    public let refused: String?
    public let bootID: String
    public let agentVersion: String

    init(_ status: NodeStatus) {
        func short(_ text: String) -> String { text.prefix(scalars: Self.scalarsMax) }
        generation = status.generation
        steps = status.steps.prefix(Self.stepsMax).map {
            Step(id: $0.id, state: $0.state.word, detail: short($0.explanation))
        }
        refused = status.refused.map { short($0.message) }
        bootID = short(status.facts.bootID)
        agentVersion = short(status.agentVersion)
    }
}

extension NodeState {
    /// What is otherwise than before, a few words each; nothing is known before the first report.
    func changes(since before: NodeState?) -> [String] {
        guard let before else {
            return ["first report: agent \(agentVersion)"] + steps.map(\.words)
        }
        var changes: [String] = []
        if bootID != before.bootID { changes.append("booted") }
        if agentVersion != before.agentVersion {
            changes.append("agent \(before.agentVersion) -> \(agentVersion)")
        }
        if generation != before.generation {
            changes.append("generation \(before.generation) -> \(generation)")
        }
        if refused != before.refused {
            changes.append(refused.map { "refused its spec: \($0)" } ?? "took its spec")
        }
        let known = Dictionary(before.steps.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        changes += steps.filter { known[$0.id] != $0 }.map(\.words)
        let left = Set(known.keys).subtracting(steps.map(\.id)).sorted()
        return changes + left.map { "\($0): no longer a step" }
    }
}

extension NodeState.Step {
    fileprivate var words: String { "\(id): \(state)" + (detail.isEmpty ? "" : " (\(detail))") }
}
