import ArgumentParser
import FoundationEssentials
import Model
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct WhyCommandTests {
    private func part(
        _ id: PartID, _ state: Picture.State, _ why: String, next: String = "",
        needs: [PartID] = []
    ) -> Picture.Part {
        Picture.Part(
            id: id, state: state, since: FakeWorld.start, why: why, next: next, needs: needs)
    }

    private func answer(_ cause: Picture.State) throws -> WhyAnswer {
        let node = PartID(.node, "worker-2")
        let picture = Picture(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"),
            at: FakeWorld.start.addingTimeInterval(300),
            parts: [
                part(
                    PartID(.chat), cause, "no\u{1b}[31m answer", next: "jeeves doctor",
                    needs: [node]),
                part(node, cause, "DiskPressure"),
            ])
        return WhyAnswer(picture, of: nil, chains: try Blame(picture).chains())
    }

    @Test("the chain is one line, each part a row with its time, and then what to type")
    func text() throws {
        let text = WhyCommand.text(try answer(.wrong))
        let lines = text.split(separator: "\n")
        #expect(lines.first == "chat ← node/worker-2")
        #expect(lines.contains { $0.hasPrefix("node/worker-2  wrong  5m   DiskPressure") })
        #expect(lines.last == "next: jeeves doctor", "the cause has no command of its own")
        #expect(!text.contains("\u{1b}"))
    }

    @Test("something wrong or unknown ends it with 3, something that is being made right with 0")
    func exitCode() throws {
        for state in [Picture.State.wrong, .unknown] {
            let verdict = try #require(try answer(state).verdict)
            #expect(verdict.message.contains("the cause is node/worker-2"))
            #expect((Ending.report(verdict) as? ExitCode)?.rawValue == 3)
        }
        #expect(try answer(.changing).verdict == nil)
        let right = try answer(.right)
        #expect(right.verdict == nil)
        #expect(WhyCommand.text(right) == "Nothing is wrong with cluster chat.")
    }

    @Test("JSON has the chains with every part's keys")
    func json() throws {
        let text = String(decoding: try JSON.encode(answer(.wrong)), as: UTF8.self)
        for key in [
            "at", "chains", "cluster", "id", "needs", "next", "parts", "since", "state",
            "subject", "why",
        ] {
            #expect(text.contains("\"\(key)\":"), "\(key)")
        }
        #expect(text.contains(#""needs":["node/worker-2"]"#))
    }
}
