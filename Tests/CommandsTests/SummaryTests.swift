import FoundationEssentials
import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct SummaryTests {
    @Test("what a stage or a certificate says cannot move the cursor")
    func escaped() throws {
        let start = Date(timeIntervalSince1970: 0)
        var rollout = Rollout(id: RunID(unchecked: "aaaaaaaaaaaaaaaa"), epoch: 1, startedAt: start)
        var entry = Rollout.Progress(stage: .verify, startedAt: start)
        entry.summary = "203.0.113.9\u{1b}[2J"
        rollout.stages = [entry]
        let gate = Gate.Verdict(
            address: "203.0.113.9", serial: "\u{1b}c", notAfter: start, status: 200, version: nil)
        let text = Summary.render(
            UpReport(domain: try DomainName("chat.example.org"), rollout: rollout, gate: gate))
        #expect(!text.contains("\u{1b}"))
        #expect(text.contains("203.0.113.9\\u001b[2J"))
        #expect(text.contains("serial \\u001bc"))
    }

    @Test("the table ends with the sum, and with what the programs did not take")
    func total() throws {
        let start = Date(timeIntervalSince1970: 0)
        var rollout = Rollout(id: RunID(unchecked: "aaaaaaaaaaaaaaaa"), epoch: 1, startedAt: start)
        rollout.state = .done
        for (stage, took, programs) in [(.provision, 8.0, 7.5), (.verify, 2.5, 0)]
            as [(StageName, Double, Double)]
        {
            var entry = Rollout.Progress(stage: stage, startedAt: start)
            entry.endedAt = start.addingTimeInterval(took)
            (entry.childSeconds, entry.state) = (programs, .done)
            rollout.stages.append(entry)
        }
        let text = Summary.render(
            UpReport(domain: try DomainName("chat.example.org"), rollout: rollout, gate: nil))
        let total = text.split(separator: "\n").first { $0.hasPrefix("total") }
        #expect(
            total?.split(separator: " ").joined(separator: " ")
                == "total done 10.5s 7.5s without programs 3.0s")
        #expect(text.hasSuffix("URL          https://chat.example.org"))
    }
}
