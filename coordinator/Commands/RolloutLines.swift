import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside
import Synchronization

/// A rollout as a program reads it: a JSON document a line on standard output, of which the first
/// names the schema. docs/output.md describes it.
final class RolloutLines: ProgressWriter {
    static let schema = "jeeves.rollout/1"

    private let clock: any Clocks
    private let put: @Sendable (String) -> Void
    /// A large line takes several writes, and several tasks have something to say.
    private let writing = Mutex(())

    init(clock: any Clocks, put: @escaping @Sendable (String) -> Void = Terminal.write) {
        self.clock = clock
        self.put = put
    }

    /// Writes the first line.
    static func begin(_ verb: String, _ clock: any Clocks) -> RolloutLines {
        let lines = RolloutLines(clock: clock)
        lines.write(
            OutputLine(.start, at: clock.now()) {
                ($0.schema, $0.verb, $0.version) = (schema, verb, Release.version)
            })
        return lines
    }

    func note(_ progress: RolloutProgress) {
        if let line = OutputLine(progress, at: clock.now()) { write(line) }
    }

    /// The last line of what was done.
    func report(_ report: UpReport) {
        write(
            OutputLine(.report, at: clock.now()) {
                $0.set(report.rollout)
                $0.url = "https://\(report.domain)"
                $0.certificate = report.gate?.certificate
            })
    }

    /// As above, for a rollout that another process ran.
    func report(_ rollout: Rollout) {
        write(OutputLine(.report, at: clock.now()) { $0.set(rollout) })
    }

    /// As above, for what was no rollout.
    func report(_ summary: [String]) {
        write(OutputLine(.report, at: clock.now()) { $0.lines = summary })
    }

    /// The last line of what failed.
    func failure(_ failure: Failure, _ status: ExitCode) {
        write(
            OutputLine(.failure, at: clock.now()) {
                $0.failure = failure
                $0.exitStatus = status.rawValue
            })
    }

    /// The last line of what a person cut off.
    func interruption(resume: String) {
        write(
            OutputLine(.interrupted, at: clock.now()) {
                $0.resume = resume
                $0.exitStatus = Ending.interrupted.rawValue
            })
    }

    private func write(_ line: OutputLine) {
        // Dates, names, numbers and text can always be encoded.
        guard let text = try? JSON.encode(line) else { return }
        let shown = Printable.escape(String(decoding: text, as: UTF8.self))
        writing.withLock { _ in put(shown) }
    }
}

/// One line of ``RolloutLines``. Which fields there are depends on its type.
struct OutputLine: Codable, Hashable, Sendable {
    enum Kind: String, Codable, Sendable, CaseIterable {
        case start, outline, stageStarted, line, doing, stageEnded, report, failure, interrupted
    }

    let type: Kind
    let at: Date
    var schema: String?
    var verb: String?
    var version: String?
    var stages: [StageOutlook]?
    var stage: StageName?
    var text: String?
    var subject: String?
    var done: Int?
    var total: Int?
    var entry: Rollout.Progress?
    var rollout: RunID?
    var state: Rollout.State?
    var startedAt: Date?
    var endedAt: Date?
    var url: String?
    var certificate: String?
    var lines: [String]?
    var failure: Failure?
    var resume: String?
    var exitStatus: Int32?

    init(_ type: Kind, at now: Date, _ fill: (inout OutputLine) -> Void) {
        self.type = type
        at = now
        fill(&self)
    }

    /// Nil for what only a screen needs.
    init?(_ progress: RolloutProgress, at now: Date) {
        switch progress {
        case .outline(let stages): self.init(.outline, at: now) { $0.stages = stages }
        case .started(let stage, let since):
            self.init(.stageStarted, at: since) { $0.stage = stage }
        case .line(let text): self.init(.line, at: now) { $0.text = text }
        case .doing(let activity):
            self.init(.doing, at: now) {
                ($0.subject, $0.text) = (activity.subject, activity.text)
                ($0.done, $0.total) = (activity.done, activity.total)
            }
        case .ended(let entry): self.init(.stageEnded, at: now) { $0.entry = entry }
        case .closed: return nil
        }
    }

    fileprivate mutating func set(_ rollout: Rollout) {
        (self.rollout, state) = (rollout.id, rollout.state)
        (startedAt, endedAt) = (rollout.startedAt, rollout.endedAt)
    }
}
