import FoundationEssentials
import Model
import Synchronization
import Testing

@testable import Commands
@testable import Coordinator

/// As much of a terminal as ``LiveScreen`` uses; lines are as long as they are.
private struct StandInTerminal {
    private(set) var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0

    var text: [String] { rows.map { String($0) } }

    mutating func feed(_ output: String) {
        var rest = output[...]
        while let character = rest.popFirst() {
            switch character {
            case "\n":
                (row, column) = (row + 1, 0)
                if row == rows.count { rows.append([]) }
            case "\r": column = 0
            case "\u{1b}": obey(&rest)
            default:
                if column < rows[row].count {
                    rows[row][column] = character
                } else {
                    rows[row].append(character)
                }
                column += 1
            }
        }
    }

    private mutating func obey(_ rest: inout Substring) {
        rest.removeFirst()
        let number = Int(rest.prefix(while: \.isNumber)) ?? 0
        rest = rest.drop(while: \.isNumber)
        switch rest.popFirst() {
        case "A": row = max(0, row - number)
        case "K": rows[row].removeSubrange(min(column, rows[row].count)...)
        case "J":
            rows[row].removeSubrange(min(column, rows[row].count)...)
            rows.removeSubrange((row + 1)...)
        default: Issue.record("it uses another sequence")
        }
    }
}

@Suite struct LiveScreenTests {
    /// What a test changes and looks at.
    private final class Desk: Sendable {
        struct State {
            var now = Date(timeIntervalSince1970: 0)
            var width = 80
            var isReady = true
            var writes: [String] = []
        }
        let state = Mutex(State())

        func screen(hasColors: Bool = false) -> LiveScreen {
            LiveScreen(
                hasColors: hasColors, now: { self.state.withLock { $0.now } },
                size: { (self.state.withLock { $0.width }, 24) },
                isReady: { self.state.withLock { $0.isReady } },
                put: { text in self.state.withLock { $0.writes.append(text) } })
        }

        var shown: [String] {
            var terminal = StandInTerminal()
            for text in state.withLock({ $0.writes }) { terminal.feed(text) }
            return terminal.text
        }
    }

    private let start = Date(timeIntervalSince1970: 0)

    private func begin(_ live: LiveScreen) {
        live.note(
            .outline([
                .init(stage: .preflight, usualSeconds: nil), .init(stage: .dns, usualSeconds: 40),
            ]))
        live.note(.started(.preflight, at: start))
    }

    private var ended: Rollout.Progress {
        var entry = Rollout.Progress(stage: .preflight, startedAt: start)
        (entry.state, entry.summary, entry.endedAt) = (.done, "made", start + 2)
        return entry
    }

    @Test("what is over stays, and the picture below is drawn over the old one")
    func redraw() {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        live.note(.doing(Activity("agents", "waiting for worker-1", done: 0, of: 1)))
        #expect(
            desk.shown == [
                "| preflight    0.0s", "    agents  0 of 1, 0 %  waiting for worker-1",
                "· dns          usually 40.0s", "",
            ])
        live.note(.line("note: look at this"))
        live.note(.ended(ended))
        live.note(.started(.dns, at: start))
        desk.state.withLock { $0.now = Date(timeIntervalSince1970: 65) }
        live.draw()
        #expect(
            desk.shown == [
                "    note: look at this", "✓ preflight    2.0s    made",
                "| dns          1m 05s  usually 40.0s", "",
            ])
    }

    @Test("each change is one write, and nothing is written while nothing changes")
    func writes() {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        #expect(desk.state.withLock { $0.writes }.count == 2)
        live.draw()
        #expect(desk.state.withLock { $0.writes }.count == 2)
        #expect(desk.state.withLock { $0.writes }.allSatisfy { !$0.contains("\u{1b}[?25l") })
    }

    @Test("while the terminal is stopped nothing is written, and what stays is said later")
    func stopped() {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        let before = desk.state.withLock { $0.writes }.count
        desk.state.withLock { $0.isReady = false }
        for number in 0...LiveScreen.unsaidMax { live.say("line \(number)") }
        live.draw()
        #expect(desk.state.withLock { $0.writes }.count == before)
        desk.state.withLock { $0.isReady = true }
        live.draw()
        #expect(desk.state.withLock { $0.writes }.count == before + 1)
        #expect(desk.shown.first == "line 1", "the oldest is lost")
        #expect(desk.shown.contains("line \(LiveScreen.unsaidMax)"))
        #expect(desk.shown.suffix(3).first == "| preflight    0.0s")
    }

    @Test("what the terminal did not take is written at the end")
    func closedWhileStopped() {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        desk.state.withLock { $0.isReady = false }
        live.note(.ended(ended))
        live.close()
        #expect(desk.shown == ["✓ preflight    2.0s    made", ""])
    }

    @Test("closed, the picture is gone, what stays is there, and later lines are written plainly")
    func close() {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        live.note(.ended(ended))
        live.close()
        live.say("jeeves: stopping")
        live.note(.started(.dns, at: start))
        live.draw()
        #expect(desk.shown == ["✓ preflight    2.0s    made", "jeeves: stopping", ""])
    }

    @Test("in a window that got narrower the lines that it broke anew are drawn over too")
    func resize() throws {
        let desk = Desk()
        let live = desk.screen()
        begin(live)
        desk.state.withLock { $0.width = 20 }
        live.draw()
        let last = try #require(desk.state.withLock { $0.writes }.last)
        #expect(last.hasPrefix("\u{1b}[3A\r| preflight    0.0s"), "28 columns are two lines of 20")
    }

    @Test("the mark of what is over has its colour, and nothing else")
    func colors() throws {
        let desk = Desk()
        let live = desk.screen(hasColors: true)
        begin(live)
        live.note(.ended(ended))
        live.say("failed")
        let writes = desk.state.withLock { $0.writes }
        #expect(writes.contains { $0.contains("\u{1b}[32m✓\u{1b}[0m preflight    2.0s    made") })
        #expect(writes.last?.contains("\u{1b}[31m") == false)
    }
}
