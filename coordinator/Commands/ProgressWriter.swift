import Coordinator
import Model
import Outside

/// Where a person or a program sees what a drive does.
protocol ProgressWriter: Sendable {
    func note(_ progress: RolloutProgress)

    /// A line besides: an entry of the log, an interrupt.
    func say(_ line: String)

    /// Nothing is drawn any more; lines still may be said.
    func close()
}

extension ProgressWriter {
    func say(_ line: String) { Terminal.complain(line) }
    func close() {}
}

/// Tells nothing: only results and errors are wanted.
struct NoProgress: ProgressWriter {
    func note(_ progress: RolloutProgress) {}
}

/// A line for a stage's begin and end and for what happens in it.
struct ProgressLines: ProgressWriter {
    func note(_ progress: RolloutProgress) {
        Self.lines(progress).forEach(Terminal.complain)
    }

    static func lines(_ progress: RolloutProgress) -> [String] {
        switch progress {
        case .started(let stage, _): ["==> \(stage.rawValue)"]
        case .line(let text): indented(text)
        case .doing(let activity): activity.lines.flatMap(indented)
        case .ended(let entry): indented(sentence(entry))
        case .outline, .closed: []
        }
    }

    /// What is said within a stage.
    static func indented(_ text: String) -> [String] {
        Printable.lines(text).map { "    \($0)" }
    }

    private static func sentence(_ entry: Rollout.Progress) -> String {
        let took = entry.endedAt.map { end in
            Duration.seconds(end.timeIntervalSince(entry.startedAt)).shortText
        }
        let children = Duration.seconds(entry.childSeconds).shortText
        return "\(entry.state.rawValue) after \(took ?? "?") (programs \(children)): "
            + (entry.failure?.message ?? entry.summary)
    }
}
