import ArgumentParser
import FoundationEssentials
import Model
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct DoctorCommandTests {
    private func examination(_ findings: Bool = true, fixed: [String] = []) -> Examination {
        var census = Census(now: FakeWorld.start, version: "1")
        if findings {
            census.members = .failure(Failure(.unavailable, "asking: no\u{1b}[31m route"))
        }
        return Examination(census, of: ClusterID(unchecked: "chat"), fixed: fixed)
    }

    @Test("the table has a row a finding with what to type, and escapes what others said")
    func table() {
        let table = DoctorCommand.table(examination(fixed: ["opened worker-1 to pods"]))
        let lines = table.split(separator: "\n")
        #expect(lines.first == "fixed: opened worker-1 to pods")
        #expect(lines.contains { $0.hasPrefix("SEVERITY  SUBJECT") && $0.hasSuffix("NEXT") })
        #expect(lines.contains { $0.hasPrefix("problem   kubernetes/members  unknown: asking") })
        #expect(lines.contains { $0.hasPrefix("note ") && $0.hasSuffix("jeeves up") })
        #expect(!table.contains("\u{1b}"))
        #expect(
            lines.last
                == "Problems: 1. Compared: machines 0, instances 0, agents 0, members unknown.")
    }

    @Test("below the table stands what somebody changed, with control characters escaped")
    func diff() {
        var census = Census(now: FakeWorld.start, version: "1")
        let node = NodeName(unchecked: "controller-1")
        census.infrastructure = Infrastructure(
            account: "1", roleName: "r",
            machines: [
                node: .init(
                    role: .controller, instanceID: "i-c", privateAddress: "10.0.0.1",
                    publicAddress: "203.0.113.9")
            ])
        census.connected = [node]
        let drift = Drift(.missing, diff: "-maxconn 4000\u{1b}[2J\n+maxconn 9000")
        census.statuses[node] = NodeStatus(
            node: node, generation: 1,
            steps: [StepStatus(id: StepID(unchecked: "haproxy"), state: .drifted(drift))],
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: FakeWorld.start)
        let found = Examination(census, of: ClusterID(unchecked: "chat"))
        let diff = "controller-1/haproxy:\n  -maxconn 4000\\u001b[2J\n  +maxconn 9000\n\n"
        #expect(DoctorCommand.table(found).contains("\n\n" + diff))
    }

    @Test("a problem ends it with 3, notes alone with 0")
    func exitCode() throws {
        let verdict = try #require(DoctorCommand.verdict(examination()))
        #expect(verdict.message == "examining chat: 1 problem found")
        #expect(verdict.fix == "jeeves status")
        let ending = Ending.report(verdict) as? ExitCode
        #expect(ending?.rawValue == 3)
        #expect(DoctorCommand.verdict(examination(false)) == nil)
        #expect(DoctorCommand.table(examination(false)).contains("No problems found. Compared:"))
    }

    @Test("JSON has every key, also of what is not known")
    func json() throws {
        let text = String(decoding: try JSON.encode(examination()), as: UTF8.self)
        for key in ["at", "cluster", "compared", "findings", "fixed"] {
            #expect(text.contains("\"\(key)\":"), "\(key)")
        }
        let compared = #"{"agents":0,"instances":0,"machines":0,"members":null}"#
        #expect(text.contains("\"compared\":\(compared)"))
        for key in ["diff", "fixable", "next", "rule", "severity", "state", "subject", "what"] {
            #expect(text.contains("\"\(key)\":"), "\(key)")
        }
        #expect(text.contains(#""rule":"unanswered""#))
        #expect(text.contains(#""state":"unknown""#))
    }

    @Test("--yes alone is wrong use")
    func yesAlone() {
        let error = #expect(throws: (any Error).self) {
            try JeevesCommand.parseAsRoot(["doctor", "--yes"])
        }
        #expect(error.map { JeevesCommand.exitCode(for: $0).rawValue } == 64)
    }
}
