import Model
import Testing

@testable import AWS
@testable import Coordinator
@testable import Tools

/// What is found in a census: one test a rule.
@Suite struct CensusTests {
    /// The findings of a healthy cluster in which one thing is otherwise.
    private func findings(_ change: (inout Census) -> Void) -> [Finding] {
        var census = Census.healthy()
        change(&census)
        return census.findings
    }

    /// The only finding.
    private func finding(_ change: (inout Census) -> Void) throws -> Finding {
        let found = findings(change)
        #expect(found.count == 1, "\(found)")
        return try #require(found.first)
    }

    @Test("a healthy cluster has no findings")
    func healthy() { #expect(Census.healthy().findings.isEmpty) }

    @Test("before the first provision there is a note, and no problem")
    func notProvisioned() throws {
        let found = Census(now: Census.healthy().now, version: "1").findings
        #expect(found.map(\.rule) == [.notProvisioned])
        #expect(found.map(\.severity) == [.note])
        #expect(found.map(\.next) == ["jeeves up"])
    }

    @Test(
        "a machine that EC2 calls stopped or does not know is told once, not through its agent too",
        arguments: [
            ("stopped", "aws ec2 start-instances --instance-ids i-w"),
            ("shutting-down", "jeeves up"), ("gone", "jeeves up"),
        ])
    func machineDown(state: String, next: String) throws {
        let found = try finding { census in
            census.instances = .success(
                [.state("running", of: "i-c")]
                    + (state == "gone" ? [] : [.state(state, of: "i-w")]))
            census.connected = [controller1]
            census.members = .success([.named("controller-1"), .named("worker-1", isReady: false)])
        }
        #expect(found.rule == .machineDown)
        #expect(found.subject == "node/worker-1")
        #expect(found.what.hasSuffix("EC2 says that it is \(state)"))
        #expect(found.next == next)
    }

    @Test("what only the tag tells is named with the command, and never offered for removal")
    func orphan() throws {
        let found = try finding {
            $0.orphans = .success([EC2.Tagged(id: "i-lost", kind: "instance")])
        }
        #expect(found.rule == .orphan)
        #expect(found.subject == "instance/i-lost")
        #expect(found.next == "aws ec2 terminate-instances --instance-ids i-lost")
        #expect(found.remedy == nil)
    }

    @Test("what somebody changed is told once with its diff, also where it is HAProxy")
    func drift() throws {
        let drift = Drift(
            .differs([Difference("haproxy.cfg", found: "edited by hand", wanted: "as written")]),
            diff: "-a\n+b")
        for (node, step) in [(controller1, "haproxy"), (worker1, "microk8s")] {
            let found = try finding {
                $0.statuses[node] = .of(node, steps: [step], state: .drifted(drift))
            }
            #expect(found.rule == .drift)
            #expect(found.severity == .problem)
            #expect(found.subject == "\(node)/\(step)")
            #expect(found.what.hasSuffix("haproxy.cfg: edited by hand -> as written"))
            #expect(found.diff == "-a\n+b")
            #expect(found.next == "jeeves up")
        }
    }

    @Test("what could not be asked is a finding of its own, with its reason")
    func unanswered() throws {
        let silence = Failure(.unavailable, "asking: no route")
        let aws = try finding {
            $0.instances = .failure(silence)
            $0.orphans = .failure(silence)
        }
        let state = try finding { $0.orphans = .failure(silence) }
        let kubernetes = try finding { $0.members = .failure(silence) }
        let file = try finding { $0.refusal = .failure(silence) }
        for found in [aws, state, kubernetes, file] {
            #expect(found.rule == .unanswered)
            #expect(found.isUnknown)
            #expect(found.severity == .problem)
            #expect(found.what == "unknown: asking: no route")
            #expect(!found.next.isEmpty)
        }
        #expect(aws.subject == "aws/instances")
        #expect(state.subject == "aws/orphans")
        #expect(kubernetes.subject == "kubernetes/members")
    }

    @Test("an agent that is away is told with its last word, of a controller HAProxy's state too")
    func agentAway() throws {
        let worker = try finding {
            $0.connected = [controller1]
            $0.statuses[worker1] = .of(worker1, steps: ["join"], secondsAgo: 7200)
        }
        #expect(worker.rule == .agentAway)
        #expect(worker.what.contains("its last status is 2h old (2025-12-31T22:00:00Z)"))
        #expect(worker.remedy == nil)
        let controller = findings { census in
            census.connected = [worker1]
            census.statuses[controller1] = nil
        }
        #expect(controller.map(\.rule) == [.agentAway, .haproxy])
        #expect(controller.first?.what.hasSuffix("it has never reported") == true)
        #expect(controller.last?.isUnknown == true)
    }

    @Test("a connected agent whose status is older than two minutes is told")
    func agentSilent() throws {
        #expect(
            findings { $0.statuses[worker1] = .of(worker1, steps: ["join"], secondsAgo: 120) }
                .isEmpty)
        let found = try finding {
            $0.statuses[worker1] = .of(worker1, steps: ["join"], secondsAgo: 121)
        }
        #expect(found.rule == .agentSilent)
        let edge = findings {
            $0.statuses[controller1] = .of(controller1, steps: ["haproxy"], secondsAgo: 121)
        }
        #expect(edge.map(\.rule) == [.agentSilent, .haproxy])
    }

    @Test("a connected agent that is no machine of Terraform's is a note")
    func agentUnknown() throws {
        let found = try finding { $0.connected.insert(stranger9) }
        #expect(found.rule == .agentUnknown)
        #expect(found.severity == .note)
        #expect(found.next == "jeeves node revoke worker-9")
    }

    @Test("an agent of another version than this coordinator is a note")
    func agentVersion() throws {
        let found = try finding {
            $0.statuses[worker1] = .of(worker1, steps: ["join"], version: "0.9")
        }
        #expect(found.rule == .agentVersion)
        #expect(found.severity == .note)
        #expect(found.what == "its agent is version 0.9, this coordinator 1")
    }

    @Test("a refused spec is told with the agent's reason")
    func specRefused() throws {
        let found = try finding {
            $0.statuses[worker1] = .of(
                worker1, steps: ["join"], refused: Failure(.conflict, "a newer epoch drives"))
        }
        #expect(found.rule == .specRefused)
        #expect(found.what == "it refuses its spec: a newer epoch drives")
    }

    @Test(
        "HAProxy that is not as its controller wants it is told, whatever it waits for",
        arguments: [
            (StepState.failed(Failure(.failed, "checking: exit 1")), "checking: exit 1"),
            (.waiting, "not checked yet"), (.converging(attempt: 2), "being made right"),
        ])
    func haproxy(state: StepState, what: String) throws {
        let found = try finding {
            $0.statuses[controller1] = .of(controller1, steps: ["haproxy"], state: state)
        }
        #expect(found.rule == .haproxy)
        #expect(found.subject == "haproxy/controller-1")
        #expect(found.what == what)
        #expect(found.next == "jeeves logs controller-1 --source haproxy")
    }

    @Test("a revoked node that is still a machine is told, and whether it is connected")
    func revoked() throws {
        let found = try finding { $0.revoked = ["worker-1"] }
        #expect(found.rule == .revoked)
        #expect(found.what.hasSuffix("it is still connected"))
        let away = try finding { census in
            census.revoked = ["worker-1", "04ab"]
            census.connected = [controller1]
        }
        #expect(away.what.hasSuffix("it is still a machine of ours"))
        #expect(away.next == "jeeves up --replace worker-1")
        #expect(findings { $0.revoked = ["worker-9"] }.isEmpty)
    }
}
