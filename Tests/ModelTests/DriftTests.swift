import FoundationEssentials
import Model
import Testing

@Suite struct DriftTests {
    private let body = StepBody.packages(PackagesSpec(names: ["curl"]))

    private func step(_ drift: DriftPolicy) -> StepSpec {
        StepSpec(id: StepID(unchecked: "packages"), body: body, drift: drift)
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    @Test("`repair` has the bytes of a spec from before there were policies, `report` says so")
    func specBytes() throws {
        let before =
            #"{"body":{"kind":"packages","spec":{"masked":[],"names":["curl"]}},"#
            + #""id":"packages","needs":[],"presence":"present"}"#
        #expect(try text(step(.repair)) == before)
        #expect(try JSON.decode(from: before.utf8, what: "a step") == step(.repair))
        let reported = try text(step(.report))
        #expect(reported.contains(#""drift":"report""#))
        #expect(try JSON.decode(from: reported.utf8, what: "a step") == step(.report))
    }

    @Test("a node's spec says only if it mends drift, and one without that does not")
    func mends() throws {
        func spec(_ mends: Bool?) -> NodeSpec {
            NodeSpec(
                cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"),
                epoch: 1, run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1,
                digest: Digest(unchecked: String(repeating: "0", count: 64)),
                steps: [step(.report)], mendsDrift: mends)
        }
        #expect(try !text(spec(nil)).contains("mendsDrift"))
        for mends in [nil, true] {
            let read: NodeSpec = try JSON.decode(
                from: JSON.encode(spec(mends)), what: "a spec")
            #expect(read == spec(mends))
        }
    }

    @Test("a status with drift is read whole, and as waiting by who knows no drift")
    func status() throws {
        struct Older: Decodable {
            let id: StepID
            let state: StepState
            let detail: String
        }
        let drift = Drift(.missing, diff: "-a\n+b")
        let status = StepStatus(
            id: StepID(unchecked: "haproxy"), state: .drifted(drift), detail: "haproxy 2.8")
        let bytes = try JSON.encode(status)
        #expect(try JSON.decode(from: bytes, what: "a status") == status)
        #expect(try JSON.decode(Older.self, from: bytes, what: "a status").state == .waiting)
        for state in [StepState.converged, .failed(Failure(.failed, "no")), .unsupported] {
            let other = StepStatus(id: status.id, state: state)
            let read: StepStatus = try JSON.decode(from: JSON.encode(other), what: "a status")
            #expect(read == other)
        }
    }

    @Test("what a status carries is bounded in lines and in bytes")
    func bounds() {
        let many = (1...300).map { "-\($0)" }.joined(separator: "\n")
        let lines = Drift(.missing, diff: many).diff.split(separator: "\n")
        #expect(lines.count == 101)
        #expect(lines.last == "… 200 more lines")
        let wide = String(repeating: "x", count: 10_000)
        let diff = Drift(.missing, diff: "\(wide)\n\(wide)").diff
        #expect(diff == "\(wide)\n… 1 more lines")
        #expect(Drift(.missing, diff: wide + wide).diff == "… 1 more lines")
        let found = Drift(.differs([Difference("a", found: wide, wanted: "b")]))
        #expect(found.what.count == 500)
        let marks = "x" + String(repeating: "\u{301}", count: 10_000)
        let marked = Drift(.differs([Difference("a", found: marks, wanted: "b")]))
        #expect(marked.what.utf8.count <= 4 * 500)
        #expect(found.diff.isEmpty)
    }

    @Test("a step that drifted is not right, and says what was changed")
    func words() {
        let step = StepStatus(
            id: StepID(unchecked: "a"), state: .drifted(Drift(.missing)), detail: "1 package")
        let status = NodeStatus(
            node: NodeName(unchecked: "worker-1"), generation: 1, steps: [step],
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: Date(timeIntervalSince1970: 0))
        #expect(!status.isConverged(generation: 1))
        #expect(status.hasDrifted)
        #expect(status.trouble(with: step.id) == "drifted: missing")
        #expect(step.state.word == "drifted")
        #expect(step.explanation == "missing")
    }
}
