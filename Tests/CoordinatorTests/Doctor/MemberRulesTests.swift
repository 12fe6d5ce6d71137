import Model
import Testing

@testable import AWS
@testable import Coordinator
@testable import Tools

/// Kubernetes' members beside the machines, and what rollouts left behind.
@Suite struct MemberRulesTests {
    private func findings(
        _ members: Kubectl.Member..., change: (inout Census) -> Void = { _ in }
    ) -> [Finding] {
        var census = Census.healthy()
        census.members = .success([.named("controller-1")] + members)
        change(&census)
        return census.findings
    }

    private let closed = Kubectl.Member.named("worker-1", isClosed: true, isClosedByUs: true)

    @Test("a member that is not ready and no machine of ours is stale, and can be removed")
    func stale() {
        let found = findings(.named("worker-1"), .named("worker-9", isReady: false))
        #expect(found.map(\.rule) == [.memberStale])
        #expect(found.map(\.remedy) == [.remove(stranger9)])
        #expect(found.map(\.next) == ["jeeves doctor --fix"])
    }

    @Test("a stale member whose name is no node's is left to a person")
    func foreignName() {
        let found = findings(.named("worker-1"), .named("ip-10-0-0-9.ec2", isReady: false))
        #expect(found.map(\.rule) == [.memberStale])
        #expect(found.map(\.remedy) == [nil])
        #expect(found.map(\.next) == ["jeeves kubectl -- delete node ip-10-0-0-9.ec2"])
    }

    @Test("a stranger that is ready, or whose agent is connected, lives and is never removed")
    func alive() {
        let ready = findings(.named("worker-1"), .named("gpu-1"))
        #expect(ready.map(\.rule) == [.memberUnknown])
        #expect(ready.map(\.remedy) == [nil])
        let connected = findings(.named("worker-1"), .named("worker-9", isReady: false)) {
            $0.connected.insert(stranger9)
        }
        #expect(connected.map(\.rule) == [.memberUnknown, .agentUnknown])
        #expect(connected.compactMap(\.remedy).isEmpty)
    }

    @Test("a member whose machine EC2 may still have is never removed")
    func instance() {
        let member = Kubectl.Member.named("worker-9", isReady: false, at: "10.0.0.7")
        let running = [EC2.Instance.state("running", of: "i-c"), .state("running", of: "i-w")]
        let stray = findings(.named("worker-1"), member) {
            $0.instances = .success(running + [.state("stopped", of: "i-9", at: "10.0.0.7")])
        }
        #expect(stray.map(\.rule) == [.memberUnknown])
        #expect(stray.first?.what.contains("i-9") == true)
        let blind = findings(.named("worker-1"), member) {
            $0.instances = .failure(Failure(.unavailable, "asking: no route"))
        }
        #expect(blind.map(\.rule) == [.unanswered, .memberStale])
        #expect((stray + blind).compactMap(\.remedy).isEmpty)
    }

    @Test("what the cluster file or Terraform still wants is never removed")
    func wanted() {
        let file = findings(.named("worker-1"), .named("worker-9", isReady: false)) {
            $0.wanted.insert("worker-9")
        }
        #expect(file.map(\.rule) == [.memberLost])
        #expect(file.map(\.next) == ["jeeves up"])
        let machine = findings(.named("worker-1", isReady: false)) {
            $0.wanted = ["controller-1"]
        }
        #expect(machine.map(\.rule) == [.memberNotReady])
        #expect((file + machine).compactMap(\.remedy).isEmpty)
    }

    @Test("a machine that is no member is told")
    func missing() {
        let found = findings()
        #expect(found.map(\.rule) == [.memberMissing])
        #expect(found.map(\.subject) == ["node/worker-1"])
    }

    @Test("a worker that a rollout closed and forgot can be opened once it is right")
    func forgotten() {
        let found = findings(closed)
        #expect(found.map(\.rule) == [.drainForgotten])
        #expect(found.map(\.remedy) == [.open(worker1)])
    }

    @Test(
        "a closed worker that is not right, or is a rollout's, stays closed",
        arguments: [
            { @Sendable (census: inout Census) in census.connected.remove(worker1) },
            { $0.statuses[worker1] = .of(worker1, steps: ["join"], state: .waiting) },
            { $0.statuses[worker1] = .of(worker1, steps: []) },
            { $0.revoked = ["worker-1"] },
            { $0.instances = .success([.state("running", of: "i-c")]) },
            { $0.rollout = .ended(.paused) },
            { $0.rollout = .ended(.running) },
        ] as [@Sendable (inout Census) -> Void])
    func stillClosed(change: @Sendable (inout Census) -> Void) {
        let found = findings(closed, change: change)
        let drains = found.filter { $0.rule == .drainForgotten }
        #expect(drains.map(\.next) == ["jeeves up"])
        #expect(found.compactMap(\.remedy).isEmpty)
    }

    @Test("a worker that is not ready stays closed")
    func notReady() {
        let down = Kubectl.Member.named(
            "worker-1", isReady: false, isClosed: true, isClosedByUs: true)
        let found = findings(down)
        #expect(found.map(\.rule) == [.drainForgotten])
        #expect(found.compactMap(\.remedy).isEmpty)
    }

    @Test("a node that a person closed is a note, and stays closed")
    func closedByPerson() {
        let found = findings(.named("worker-1", isClosed: true))
        #expect(found.map(\.rule) == [.closedByPerson])
        #expect(found.map(\.severity) == [.note])
        #expect(found.map(\.next) == ["jeeves kubectl -- uncordon worker-1"])
        #expect(found.compactMap(\.remedy).isEmpty)
    }

    @Test("a departure that is not through is told once, and what follows from it is not")
    func departure() {
        let leaving = Departure(
            node: worker1, instanceID: "i-w", at: Census.healthy().now, phase: .leaving,
            run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))
        let found = findings(closed) { census in
            census.departures = [leaving]
            census.connected = [controller1]
        }
        #expect(found.map(\.rule) == [.departure])
        #expect(found.map(\.what) == ["i-w has been leaving since 2026-01-01T00:00:00Z"])
        var gone = leaving
        gone.phase = .gone
        let after = findings(.named("worker-1")) { $0.departures = [gone] }
        #expect(after.isEmpty)
    }

    @Test(
        "a rollout that did not end is told with the way on",
        arguments: [
            (Rollout.State.interrupted, Finding.Severity.problem, "jeeves up"),
            (.failed, .problem, "jeeves up"), (.aborted, .note, "jeeves up"),
            (.paused, .problem, "jeeves rollout resume"),
            (.running, .note, "jeeves rollout watch"),
        ])
    func rollout(state: Rollout.State, severity: Finding.Severity, next: String) throws {
        let goal = Rollout.Goal(try exampleCluster([]))
        let found = findings(.named("worker-1")) { $0.rollout = .ended(state, goal: goal) }
        #expect(found.map(\.rule) == [.rollout])
        #expect(found.map(\.severity) == [severity])
        #expect(found.map(\.next) == [next])
        #expect(found.map(\.subject) == ["rollout/aaaaaaaaaaaaaaaa"])
    }

    @Test("a way back that was cut off goes on as a way back, a record as a record")
    func otherGoals() throws {
        let undo = Rollout.Goal(try exampleCluster([]), undoes: RunID(unchecked: "b"))
        let back = findings(.named("worker-1")) { $0.rollout = .ended(.interrupted, goal: undo) }
        #expect(back.map(\.next) == ["jeeves rollout undo"])
        let record = findings(.named("worker-1")) { $0.rollout = .ended(.interrupted) }
        #expect(record.map(\.next) == ["jeeves dns sync"])
    }

    @Test("content that is held is a problem while it is wanted, else a note")
    func held() throws {
        let held = Held(
            stage: .app, content: Digest(unchecked: String(repeating: "a", count: 64)),
            rollout: RunID(unchecked: "aaaaaaaaaaaaaaaa"), at: Census.healthy().now,
            reason: "upgrading: no")
        let goal = Rollout.Goal(try exampleCluster([]))
        let wanted = findings(.named("worker-1")) { census in
            census.held = [held]
            census.refusal = .success(held)
            census.rollout = .ended(.failed, goal: goal)
        }
        #expect(wanted.map(\.rule) == [.rollout, .held])
        #expect(wanted.map(\.severity) == [.problem, .problem])
        #expect(wanted.first?.what.hasSuffix("2026-01-01T00:00:00Z: upgrading: no") == true)
        #expect(wanted.first?.next == "jeeves rollout retry")
        #expect(wanted.last?.subject == "stage/app")
        let other = findings(.named("worker-1")) { $0.held = [held] }
        #expect(other.map(\.severity) == [.note])
    }
}
