import FoundationEssentials
import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct ProgressLinesTests {
    private static let start = Date(timeIntervalSince1970: 0)

    private static func ended(_ change: (inout Rollout.Progress) -> Void) -> RolloutProgress {
        var entry = Rollout.Progress(stage: .dns, startedAt: start)
        (entry.endedAt, entry.childSeconds) = (start + 12.5, 2)
        change(&entry)
        return .ended(entry)
    }

    @Test(
        "where nothing can be drawn, a stage has a line for its begin, its end and what it says",
        arguments: [
            (RolloutProgress.started(.dns, at: start), ["==> dns"]),
            (.line("note: look"), ["    note: look"]),
            (
                .doing(Activity("terraform", "aws_eip.this", lines: ["aws_vpc.this done"])),
                ["    aws_vpc.this done"]
            ),
            (.doing(Activity("pods", "ready", done: 1, of: 3)), []),
            (
                ended { ($0.state, $0.summary) = (.done, "made") },
                ["    done after 12.5s (programs 2.0s): made"]
            ),
            (
                ended { ($0.state, $0.failure) = (.failed, Failure(.failed, "asking: no")) },
                ["    failed after 12.5s (programs 2.0s): asking: no"]
            ),
            (
                .line("note: a\u{1b}[31m\nb\u{9b}2J"),
                ["    note: a\\u001b[31m", "    b\\u009b2J"]
            ),
            (
                .doing(Activity("terraform", "", lines: ["\u{1b}]52;c;x\u{7}"])),
                ["    \\u001b]52;c;x\\u0007"]
            ),
            (
                ended { ($0.state, $0.failure) = (.failed, Failure(.failed, "asking: \u{1b}c")) },
                ["    failed after 12.5s (programs 2.0s): asking: \\u001bc"]
            ),
            (.outline([StageOutlook(stage: .dns, usualSeconds: 2)]), []),
            (.closed(isDone: true), []),
        ])
    func lines(progress: RolloutProgress, lines: [String]) {
        #expect(ProgressLines.lines(progress) == lines)
    }
}
