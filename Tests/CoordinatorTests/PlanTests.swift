import Model
import Outside
import Testing

@testable import Coordinator

@Suite struct PlanTests {
    private func cluster(_ domain: String = "chat.example.org") throws -> ClusterSpec {
        let text = Example.render(
            Founding.Values(
                cluster: try ClusterID("chat"), domain: try DomainName(domain),
                email: "ops@example.org", region: "eu-central-1"))
        return try ClusterFile.decode(text, path: "jeeves.yaml")
    }

    private func plan(_ changes: [Change], of spec: ClusterSpec) throws -> Plan {
        try Plan(of: spec, stages: [Plan.StagePlan(stage: .provision, changes: changes)])
    }

    @Test("the same changes of the same cluster have one digest, any other another")
    func digest() throws {
        let create = Change(.create, "aws_eip.edge")
        let first = try plan([create], of: cluster())
        #expect(try first.digest == plan([create], of: cluster()).digest)
        #expect(try first.digest != plan([], of: cluster()).digest)
        #expect(try first.digest != plan([Change(.delete, "aws_eip.edge")], of: cluster()).digest)
        #expect(try first.digest != plan([create], of: cluster("talk.example.org")).digest)
    }

    @Test("changes are counted by action, and a plan is read again as it was written")
    func counts() throws {
        let changes = [Change(.update, "a"), Change(.create, "b"), Change(.update, "c")]
        let plan = try plan(changes, of: cluster())
        #expect(plan.summary == "1 to create, 2 to update")
        let read = try JSON.decode(Plan.self, from: JSON.encode(plan), what: "plan")
        #expect(read.digest == plan.digest)
        #expect(read.counts == plan.counts)
        #expect(read.stages == plan.stages)
    }

    @Test("other text, other effects, another file that is named: another plan")
    func everything() throws {
        func digest(_ change: Change, app: String = "a") throws -> Digest {
            let content = Digest(unchecked: String(repeating: app, count: 64))
            return try Plan(
                of: cluster(), contents: ["app": content],
                stages: [Plan.StagePlan(stage: .app, changes: [change])]
            ).digest
        }
        let first = try digest(Change(.update, "x", effects: [.reload], diff: "-a\n+b"))
        #expect(try first != digest(Change(.update, "x", effects: [.reload], diff: "-a\n+c")))
        #expect(try first != digest(Change(.update, "x", diff: "-a\n+b")))
        let change = Change(.update, "x", effects: [.reload], diff: "-a\n+b")
        #expect(try first == digest(change))
        #expect(try first != digest(change, app: "b"))
    }

    @Test("a file that the cluster file names is told as what moved")
    func file() throws {
        func plan(_ app: String) throws -> Plan {
            try Plan(
                of: cluster(),
                contents: ["app": Digest(unchecked: String(repeating: app, count: 64))],
                stages: [])
        }
        let before = try plan("a")
        let told = #expect(throws: Failure.self) {
            try plan("b").require(Plan.Approved(before))
        }
        #expect(told?.message.hasSuffix("since then moved: a file that stage app reads") == true)
    }

    @Test("notes may change, and the plan is still the same")
    func notes() throws {
        let before = try plan([Change(.update, "a", note: "since 5 s")], of: cluster())
        let after = try plan([Change(.update, "a", note: "since 9 s")], of: cluster())
        #expect(before.digest == after.digest)
        try after.require(Plan.Approved(before))
        try after.require(Plan.Approved(before.digest))
    }

    @Test("another plan than the approved one is refused, and what moved is told")
    func stale() throws {
        let before = try plan([Change(.update, "a"), Change(.update, "b")], of: cluster())
        let after = try plan([Change(.update, "b"), Change(.delete, "c")], of: cluster())
        let told = #expect(throws: Failure.self) { try after.require(Plan.Approved(before)) }
        #expect(told?.code.exitStatus == 8)
        #expect(
            told?.message.hasSuffix(
                ": since then moved: now also provision delete c; no longer provision update a")
                == true)
        let other = try plan(before.changes, of: cluster("talk.example.org"))
        let file = #expect(throws: Failure.self) { try other.require(Plan.Approved(before)) }
        #expect(file?.message.hasSuffix("since then moved: the cluster file") == true)
        let digest = #expect(throws: Failure.self) {
            try after.require(Plan.Approved(before.digest))
        }
        #expect(digest?.message.contains(after.digest.rawValue) == true)
    }
}
