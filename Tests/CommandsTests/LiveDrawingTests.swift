import FoundationEssentials
import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct LiveDrawingTests {
    private let start = Date(timeIntervalSince1970: 1_767_225_600)
    private let stages: [StageOutlook] = [
        .init(stage: .preflight, usualSeconds: 2), .init(stage: .provision, usualSeconds: 160),
        .init(stage: .enrol, usualSeconds: 35), .init(stage: .dns, usualSeconds: nil),
        .init(stage: .controllers, usualSeconds: 250),
    ]

    private func preflight(_ change: (inout Rollout.Progress) -> Void = { _ in })
        -> Rollout.Progress
    {
        var entry = Rollout.Progress(stage: .preflight, startedAt: start)
        entry.state = .done
        entry.summary = "account 123456789012"
        entry.endedAt = start + 3
        change(&entry)
        return entry
    }

    /// After preflight, in the middle of Terraform.
    private func drawing() -> LiveDrawing {
        var drawing = LiveDrawing()
        let news: [RolloutProgress] = [
            .outline(stages), .started(.preflight, at: start), .ended(preflight()),
            .started(.provision, at: start + 3),
            .doing(
                Activity(
                    "terraform", #"module.worker["worker-1"].aws_instance.this and 2 more"#,
                    done: 7, of: 12)),
        ]
        for progress in news { _ = drawing.note(progress, now: start) }
        return drawing
    }

    private func picture(width: Int, height: Int = 24) -> [String] {
        drawing().picture(now: start + 75, width: width, height: height)
    }

    @Test("the stage that runs has its time, its usual time and its parts; the others follow")
    func wide() {
        #expect(
            picture(width: 120) == [
                "| provision    1m 12s  usually 2m 40s",
                "    terraform  7 of 12, 58 %  "
                    + #"module.worker["worker-1"].aws_instance.this and 2 more"#,
                "· enrol        usually 35.0s",
                "· dns",
                "· controllers  usually 4m 10s",
            ])
    }

    @Test("a line that does not fit is cut, and leaves the last column free")
    func narrow() {
        #expect(
            picture(width: 80)[1]
                == #"    terraform  7 of 12, 58 %  module.worker["worker-1"].aws_instance.this and…"#
        )
        #expect(
            picture(width: 40) == [
                "| provision    1m 12s  usually 2m 40s",
                #"    terraform  7 of 12, 58 %  module.w…"#,
                "· enrol        usually 35.0s",
                "· dns",
                "· controllers  usually 4m 10s",
            ])
        for width in 1...120 {
            #expect(picture(width: width).allSatisfy { Columns.count($0) < width }, "\(width)")
        }
    }

    @Test("in a low window what is to come is counted, then parts are left out")
    func low() {
        #expect(picture(width: 80, height: 3).last == "· 3 stages to come")
        #expect(
            picture(width: 80, height: 2).map { $0.prefix(11) } == ["| provision", "· 3 stages "])
        #expect(picture(width: 80, height: 1).count == 1)
        #expect(picture(width: 80, height: 0).isEmpty)
    }

    @Test("the sign of a running stage turns with its time")
    func frames() {
        let signs = (0..<5).compactMap { index in
            drawing().picture(now: start + 3 + Double(index) / 8, width: 80, height: 9)[0].first
        }
        #expect(String(signs) == "|/-\\|")
    }

    @Test("letters that may be wide are counted as two columns, cut text ends with an ellipsis")
    func columns() {
        #expect(Columns.count("Käse…") == 5)
        #expect(Columns.count("日本") == 4)
        #expect(Columns.cut("日本語", to: 5) == "日本…")
        #expect(Columns.cut("abc", to: 3) == "abc")
        #expect(Columns.cut("abcd", to: 3) == "ab…")
        #expect(Columns.cut("abcd", to: 0) == "")
    }
}

/// What stays of a drawing.
extension LiveDrawingTests {
    @Test("a stage's end stays, with its time and what was done, or why it failed")
    func ends() {
        func end(_ change: (inout Rollout.Progress) -> Void = { _ in }) -> [String] {
            var drawing = LiveDrawing()
            _ = drawing.note(.outline(stages), now: start)
            _ = drawing.note(.started(.preflight, at: start), now: start)
            return drawing.note(.ended(preflight(change)), now: start + 9)
        }
        #expect(end() == ["✓ preflight    3.0s    account 123456789012"])
        let failure = Failure(.failed, "stage preflight: asking: no\u{1b}[2J", fix: "x")
        #expect(
            end { ($0.state, $0.failure) = (.failed, failure) }
                == ["✗ preflight    3.0s    stage preflight: asking: no\\u001b[2J"])
        #expect(
            end { ($0.state, $0.summary) = (.interrupted, "") }
                == ["✗ preflight    3.0s    interrupted"])
    }

    @Test("where nobody tells a stage's end, the next one's begin is it")
    func plan() {
        var drawing = LiveDrawing()
        _ = drawing.note(.outline(stages), now: start)
        #expect(drawing.note(.started(.preflight, at: start), now: start) == [])
        #expect(
            drawing.note(.started(.provision, at: start + 2), now: start + 2)
                == ["✓ preflight    2.0s"])
        #expect(drawing.note(.closed(isDone: false), now: start + 4) == ["✗ provision    2.0s"])
        #expect(drawing.picture(now: start, width: 80, height: 24).isEmpty)
    }

    @Test("lines stay, each line of them, and cannot take over the terminal")
    func lines() {
        var drawing = drawing()
        #expect(
            drawing.note(.line("note: a\u{1b}[31m\nb"), now: start)
                == ["    note: a\\u001b[31m", "    b"])
        let activity = Activity("agents", "", lines: ["worker-1: connected"])
        #expect(drawing.note(.doing(activity), now: start) == [], "it is drawn")
        var closed = LiveDrawing()
        #expect(closed.note(.doing(activity), now: start) == ["    worker-1: connected"])
    }
}
