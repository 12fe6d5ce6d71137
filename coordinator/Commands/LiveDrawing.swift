import Coordinator
import FoundationEssentials
import Model
import Outside

/// What is drawn of a rollout while it runs: the stage that runs, what its parts do, and what is to
/// come. What is over becomes lines that stay. Writes nothing itself.
struct LiveDrawing: Sendable {
    private static let frames = Array("|/-\\")

    private var waiting: [StageOutlook] = []
    private var running: (outlook: StageOutlook, since: Date)?
    private var activities: [Activity] = []
    /// Between an outline and the end of it.
    private var isOpen = false

    /// Takes what happened; returns the lines that stay.
    mutating func note(_ progress: RolloutProgress, now: Date) -> [String] {
        switch progress {
        case .outline(let stages):
            (waiting, running, activities, isOpen) = (stages, nil, [], true)
            return []
        case .started(let stage, let since):
            let before = isOpen ? end(as: "✓", now: now) : []
            let outlook = waiting.first { $0.stage == stage }
            waiting.removeAll { $0.stage == stage }
            running = (outlook ?? StageOutlook(stage: stage, usualSeconds: nil), since)
            return before
        case .line(let text): return ProgressLines.indented(text)
        case .doing(let activity): return note(activity)
        case .ended(let entry):
            let mark = entry.state == .done ? "✓" : "✗"
            let words = entry.failure?.message ?? entry.summary
            let state = entry.state == .done || entry.failure != nil ? "" : entry.state.rawValue
            let detail = [state, words].filter { !$0.isEmpty }.joined(separator: ": ")
            return end(as: mark, now: entry.endedAt ?? now, detail: Printable.escape(detail))
        case .closed(let isDone):
            defer { (waiting, isOpen) = ([], false) }
            return end(as: isDone ? "✓" : "✗", now: now)
        }
    }

    private mutating func note(_ activity: Activity) -> [String] {
        guard isOpen else { return activity.lines.flatMap(ProgressLines.indented) }
        if let index = activities.firstIndex(where: { $0.subject == activity.subject }) {
            activities[index] = activity
        } else {
            activities.append(activity)
        }
        return []
    }

    /// The running stage, if there is one, is over.
    private mutating func end(as mark: String, now: Date, detail: String = "") -> [String] {
        guard let (outlook, since) = running else { return [] }
        (running, activities) = (nil, [])
        let took = Duration.seconds(max(0, now.timeIntervalSince(since))).shortText
        return [Self.row(mark, outlook.stage, [took.padded(to: 6), detail])]
    }

    /// The picture, at most `height` lines of less than `width` columns.
    func picture(now: Date, width: Int, height: Int) -> [String] {
        guard isOpen, height > 0 else { return [] }
        let head = running.map { [self.head($0.outlook, since: $0.since, now: now)] } ?? []
        var parts = Self.rows(of: activities)
        var rest = waiting.map { Self.row("·", $0.stage, [Self.usual($0)]) }
        if head.count + parts.count + rest.count > height, rest.count > 1 {
            rest = ["· \(rest.count) stages to come"]
        }
        parts = Array(parts.prefix(max(0, height - head.count - rest.count)))
        return (head + parts + rest).prefix(height).map { Columns.cut($0, to: width - 1) }
    }

    private func head(_ outlook: StageOutlook, since: Date, now: Date) -> String {
        let elapsed = max(0, now.timeIntervalSince(since))
        let frame = Self.frames[Int(elapsed * 8) % Self.frames.count]
        return Self.row(
            "\(frame)", outlook.stage,
            [Duration.seconds(elapsed).shortText.padded(to: 6), Self.usual(outlook)])
    }

    private static func usual(_ outlook: StageOutlook) -> String {
        outlook.usualSeconds.map { "usually \(Duration.seconds($0).shortText)" } ?? ""
    }

    private static func row(_ mark: String, _ stage: StageName, _ cells: [String]) -> String {
        let row = ["\(mark) \(stage.rawValue.padded(to: 11))"] + cells.filter { !$0.isEmpty }
        return row.joined(separator: "  ").trimmedEnd()
    }

    private static func rows(of activities: [Activity]) -> [String] {
        let cells = activities.map { [$0.subject, count($0), $0.text] }
        return Terminal.table(cells).split(separator: "\n").map { "    \($0)" }
    }

    /// `7 of 12, 58 %`.
    private static func count(_ activity: Activity) -> String {
        guard let done = activity.done, let total = activity.total, total > 0 else { return "" }
        return "\(done) of \(total), \(done * 100 / total) %"
    }
}

/// Text measured in the columns of a terminal.
enum Columns {
    static func count(_ text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// The text in at most `columns`, with an ellipsis where it was cut.
    static func cut(_ text: String, to columns: Int) -> String {
        guard count(text) > columns else { return text }
        var (kept, used) = ("", 1)
        for character in text {
            used += width(of: character)
            guard used <= columns else { break }
            kept.append(character)
        }
        return columns > 0 ? kept.trimmedEnd() + "…" : ""
    }

    /// Two for what may be wide, as most letters of East Asia and all pictures are: a line that is
    /// too short does no harm.
    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first?.value, scalar >= 0x1100 else { return 1 }
        return (0x2000...0x2E7F).contains(scalar) ? 1 : 2
    }
}
