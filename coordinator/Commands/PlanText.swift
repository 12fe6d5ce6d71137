import Coordinator
import Model

/// A plan as a person reads it: a line for each change, and below what changes in each text.
struct PlanText {
    let plan: Plan
    /// The rollout whose end it is compared with; nil for what the cluster file says now.
    var since: RunID?

    var text: String {
        let digest = since == nil ? "\nplan \(plan.digest)" : ""
        guard !plan.changes.isEmpty else {
            return (since.map { "No drift since rollout \($0)." } ?? "No changes.") + digest
        }
        let rows = plan.stages.flatMap { stage in stage.changes.map { row(stage.stage, $0) } }
        let diffs = plan.changes.filter { !$0.diff.isEmpty }
            .map { Printable.diff($0.diff, of: $0.subject) }
        return Terminal.table([["STAGE", "ACTION", "SUBJECT", "EFFECT", "DETAIL"]] + rows)
            + diffs.map { "\n\n\($0)" }.joined()
            + "\n\n" + total + digest
    }

    private var total: String {
        let (count, summary) = (plan.changes.count, plan.summary)
        let end = count == 1 ? "" : "s"
        return since.map {
            "\(count) difference\(end) since rollout \($0): \(summary). `jeeves up` ends them."
        } ?? "\(count) change\(end): \(summary). Apply with `jeeves up`."
    }

    private func row(_ stage: StageName, _ change: Change) -> [String] {
        let words = [change.words, change.note].filter { !$0.isEmpty }
        let effects = change.effects.map(words(for:)).joined(separator: ", ")
        return [
            stage.rawValue, change.action.rawValue, change.subject, effects.isEmpty ? "-" : effects,
            words.joined(separator: ": "),
        ]
    }

    private func words(for effect: Change.Effect) -> String {
        switch effect {
        case .reload: "reloads"
        case .restart: "restarts"
        case .drain: "drains"
        case .irreversible: "no way back"
        }
    }
}
