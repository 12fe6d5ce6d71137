import FoundationEssentials
import Model
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct StatusCommandTests {
    private func table(
        _ state: StepState, layers: [ClusterStatus.Layer] = [], rollout: Rollout? = nil
    ) -> String {
        let node = NodeName(unchecked: "controller-1")
        let report = NodeStatus(
            node: node, generation: 1,
            steps: [
                StepStatus(id: StepID(unchecked: "haproxy"), state: state, detail: "haproxy 2.8")
            ],
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: FakeWorld.start)
        let status = ClusterStatus(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), layers: layers, lookedAt: nil,
            nodes: [
                ClusterStatus.Node(
                    name: node, role: .controller, instanceID: "i-1", address: "10.0.0.1",
                    publicAddress: "203.0.113.10", connected: true, revoked: false,
                    status: report, age: "3.0s")
            ], gate: nil, rollout: rollout)
        return StatusCommand.table(status, now: FakeWorld.start)
    }

    @Test("what somebody changed stands in the row and below as a diff, with what to type")
    func drift() {
        let difference = Difference("haproxy.cfg", found: "a\u{1b}[2J", wanted: "b")
        let lines = table(.drifted(Drift(.differs([difference]), diff: "-a\u{1b}[2J\n+b")))
            .split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasSuffix("drifted  3.0s  haproxy.cfg: a\\u001b[2J -> b") })
        #expect(
            lines.suffix(4) == [
                "controller-1/haproxy:", "  -a\\u001b[2J", "  +b",
                "drifted: controller-1/haproxy. `jeeves up` makes it right; what is to stay belongs "
                    + "into the cluster file.",
            ])
    }

    @Test("what a layer or the last rollout says cannot move the cursor")
    func escaped() {
        var entry = Rollout.Progress(stage: .verify, startedAt: FakeWorld.start)
        entry.failure = Failure(.failed, "looking: \u{1b}[2J")
        var rollout = Rollout(
            id: RunID(unchecked: "aaaaaaaaaaaaaaaa"), epoch: 1, startedAt: FakeWorld.start)
        rollout.stages = [entry]
        let text = table(
            .converged, layers: [.init(name: "edge", state: .wrong, detail: "HTTP \u{1b}c")],
            rollout: rollout)
        #expect(!text.contains("\u{1b}"))
        #expect(text.contains("(verify: looking: \\u001b[2J)"))
        #expect(text.contains("edge   wrong  HTTP \\u001bc"))
    }

    @Test("without drift nothing is said of it")
    func none() {
        #expect(table(.converged).hasSuffix("right  3.0s  haproxy 2.8"))
    }
}
