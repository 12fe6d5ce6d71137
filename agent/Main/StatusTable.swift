import FoundationEssentials
import Model

/// A node's status as text for a person.
enum StatusTable {
    static func render(_ status: NodeStatus, now: Date) -> String {
        let width = status.steps.map(\.id.rawValue.count).max() ?? 0
        var lines = [
            "node \(status.node), generation \(status.generation), \(status.facts.system)",
            "as of \(status.reportedAt.formatted(.iso8601))",
        ]
        if let refused = status.refused { lines.append("spec refused: \(refused.message)") }
        if status.steps.isEmpty { lines.append("no spec yet") }
        for step in status.steps {
            let name = step.id.rawValue.padded(to: width)
            lines.append("  \(name)  \(step.state.word.padded(to: 10))  \(step.detail)")
            if let alert = ServedCertificate(step.detail)?.alert(now: now), alert != .quiet {
                lines.append("  \("".padded(to: width))  alert: \(alert.rawValue)")
            }
            if case .failed(let failure) = step.state {
                lines.append("  \("".padded(to: width))  \(failure.message)")
                if !failure.fix.isEmpty {
                    lines.append("  \("".padded(to: width))  fix: \(failure.fix)")
                }
            }
        }
        return lines.joined(separator: "\n")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
