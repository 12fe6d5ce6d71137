import FoundationEssentials
import Model

/// What a person sees of a rollout while it runs.
public enum RolloutProgress: Sendable, Hashable {
    /// The stages that follow, in their order.
    case outline([StageOutlook])
    case started(StageName, at: Date)
    /// A line that stays.
    case line(String)
    case doing(Activity)
    case ended(Rollout.Progress)
    /// No stage follows any more; whether the last one got to its end.
    case closed(isDone: Bool)
}

/// A stage that is to come.
public struct StageOutlook: Codable, Sendable, Hashable {
    public let stage: StageName
    /// The median of earlier rollouts, in seconds; nil if none of them got through it.
    public let usualSeconds: Double?

    public init(stage: StageName, usualSeconds: Double?) {
        self.stage = stage
        self.usualSeconds = usualSeconds
    }
}

extension StageOutlook {
    /// The stages of a recipe, with what they took in earlier rollouts.
    static func of(_ recipe: [any Stage], after earlier: [Rollout.Progress]) -> [StageOutlook] {
        let took = earlier.reduce(into: [StageName: [Double]]()) { took, entry in
            guard entry.state == .done, let end = entry.endedAt else { return }
            took[entry.stage, default: []].append(end.timeIntervalSince(entry.startedAt))
        }
        return recipe.map { stage in
            StageOutlook(stage: stage.name, usualSeconds: took[stage.name].map(median))
        }
    }

    /// Of a list that is not empty.
    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1
            ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// What a part of a stage does now. It replaces what was said of the same subject before.
public struct Activity: Sendable, Hashable {
    /// `worker-1`, `terraform`, `pods`.
    public let subject: String
    public let text: String
    /// How many of how many are done, where that is known.
    public var done: Int?
    public var total: Int?
    /// What it says where nothing can be drawn anew.
    public var lines: [String]

    public init(
        _ subject: String, _ text: String, done: Int? = nil, of total: Int? = nil,
        lines: [String] = []
    ) {
        self.subject = subject
        self.text = text
        self.done = done
        self.total = total
        self.lines = lines
    }
}

extension Activity {
    /// How far a node is on its way to `spec`.
    init(_ spec: NodeSpec, _ status: NodeStatus?) {
        let steps = status.flatMap { $0.generation == spec.generation ? $0.steps : nil } ?? []
        let busy = steps.first(where: \.state.isConverging) ?? steps.first(where: \.state.isTrouble)
        self.init(
            spec.node.rawValue, busy.map(\.sentence) ?? "",
            done: steps.count { $0.state == .converged }, of: spec.steps.count)
    }
}

extension StepStatus {
    /// `microk8s: Download snap "microk8s", 45 %`, `certificate failed: …`.
    fileprivate var sentence: String {
        let state =
            switch state {
            case .converging(1), .converged, .waiting: ""
            case .converging, .failed, .drifted, .unsupported: " \(state.word)"
            }
        return "\(id)\(state)" + (explanation.isEmpty ? "" : ": \(explanation)")
    }
}

extension StepState {
    fileprivate var isConverging: Bool { if case .converging = self { true } else { false } }

    /// Whether it does not come right by itself at once.
    var isTrouble: Bool {
        switch self {
        case .failed, .drifted, .unsupported: true
        case .waiting, .converging, .converged: false
        }
    }
}
