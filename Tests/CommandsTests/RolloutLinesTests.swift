import FoundationEssentials
import Glibc
import Model
import Outside
import Support
import Synchronization
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct RolloutLinesTests {
    private static let start = Date(timeIntervalSince1970: 1_767_225_600)

    /// The examples of docs/output.md.
    private func examples() throws -> [Substring] {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let text = try #require(try World.live().files.text("\(root)/docs/output.md"))
        let block = try #require(text.split(separator: "```json\n").last).split(separator: "\n```")
        return block.first?.split(separator: "\n") ?? []
    }

    @Test("each example of the documentation is a line as it is written, and each type has one")
    func documented() throws {
        let lines = try examples().map { text in
            let line = try JSON.decode(OutputLine.self, from: text.utf8, what: "\(text)")
            let written = String(decoding: try JSON.encode(line), as: UTF8.self)
            #expect(written == text)
            return line
        }
        #expect(Set(lines.map(\.type)) == Set(OutputLine.Kind.allCases))
        #expect(lines.first?.schema == RolloutLines.schema)
    }

    @Test("lines of several tasks are written one after the other")
    func apart() async {
        let inside = Mutex(0)
        let most = Mutex(0)
        let lines = RolloutLines(clock: ManualClock()) { _ in
            let now = inside.withLock { inside in
                inside += 1
                return inside
            }
            most.withLock { $0 = max($0, now) }
            for _ in 0..<100 { sched_yield() }
            inside.withLock { $0 -= 1 }
        }
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<50 { lines.note(.line("note")) } }
            }
        }
        #expect(most.withLock { $0 } == 1)
    }

    @Test(
        "what happens becomes a line of its own type, with its fields",
        arguments: [
            (
                RolloutProgress.outline([.init(stage: .dns, usualSeconds: 2)]),
                #"{"at":"2026-01-01T00:00:00Z","stages":[{"stage":"dns","usualSeconds":2}],"#
                    + #""type":"outline"}"#
            ),
            (
                .started(.dns, at: start - 60),
                #"{"at":"2025-12-31T23:59:00Z","stage":"dns","type":"stageStarted"}"#
            ),
            (.line("note"), #"{"at":"2026-01-01T00:00:00Z","text":"note","type":"line"}"#),
            (
                .doing(Activity("pods", "ready", done: 1, of: 3, lines: ["for a person"])),
                #"{"at":"2026-01-01T00:00:00Z","done":1,"subject":"pods","text":"ready","#
                    + #""total":3,"type":"doing"}"#
            ),
        ])
    func progress(_ progress: RolloutProgress, text: String) throws {
        let line = try #require(OutputLine(progress, at: Self.start))
        #expect(String(decoding: try JSON.encode(line), as: UTF8.self) == text)
    }

    @Test("that no stage follows is for a screen alone")
    func closed() {
        #expect(OutputLine(.closed(isDone: true), at: Self.start) == nil)
    }
}
