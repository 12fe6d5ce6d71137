import FoundationEssentials
import Model
import Testing

@testable import Coordinator

@Suite struct StabilityTests {
    private let spec = NodeSpec(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"), epoch: 1,
        run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 2,
        digest: Digest(unchecked: String(repeating: "0", count: 64)),
        steps: [
            StepSpec(id: StepID(unchecked: "packages"), body: .packages(PackagesSpec(names: []))),
            StepSpec(id: StepID(unchecked: "join"), body: .join(JoinSpec(controller: "10.0.0.1"))),
        ])

    private func status(
        _ states: StepState..., generation: UInt64 = 2, refused: Failure? = nil
    ) -> NodeStatus {
        NodeStatus(
            node: spec.node, generation: generation,
            steps: zip(spec.steps, states).map { StepStatus(id: $0.id, state: $1) },
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: Date(timeIntervalSince1970: 0), refused: refused)
    }

    private var right: NodeStatus { status(.converged, .converged) }
    private var stability: Stability { Stability(window: .seconds(30), since: .zero) }

    @Test("right for the whole window is stable, and not a moment earlier")
    func window() {
        var stability = stability
        #expect(stability.note(right, isConnected: true, of: spec, now: .zero) == nil)
        #expect(!stability.isDone(now: .seconds(29)))
        #expect(stability.isDone(now: .seconds(30)))
        #expect(stability.verdict(now: .seconds(30)) == nil)
    }

    @Test("what may pass begins the window anew, is told once, and ends the wait after two minutes")
    func troubles() {
        let passing: [(NodeStatus?, Bool)] = [
            (status(.converged, .converging(attempt: 1)), true),
            (status(.converged, .waiting), true),
            (status(.converged, .converged, generation: 1), true),
            (status(.converged, .converged, refused: Failure(.conflict, "older")), true),
            (right, false), (nil, true),
        ]
        for (status, isConnected) in passing {
            var stability = stability
            let first = stability.note(
                status, isConnected: isConnected, of: spec, now: .seconds(20))
            #expect(first?.hasPrefix("worker-1: ") == true)
            let second = stability.note(
                status, isConnected: isConnected, of: spec, now: .seconds(25))
            #expect(second == nil)
            #expect(!stability.isDone(now: .seconds(100)))
            #expect(stability.verdict(now: .seconds(140)) == nil)
            #expect(stability.verdict(now: .seconds(141))?.node == spec.node)
            _ = stability.note(right, isConnected: true, of: spec, now: .seconds(40))
            #expect(stability.verdict(now: .seconds(141)) == nil)
            #expect(!stability.isDone(now: .seconds(69)))
            #expect(stability.isDone(now: .seconds(70)))
        }
    }

    @Test("a step that fails ends it at once, even if it is right a moment later")
    func failed() {
        var stability = stability
        let failure = Failure(.failed, "refreshing: the hook failed")
        _ = stability.note(
            status(.converged, .failed(failure)), isConnected: true, of: spec, now: .seconds(5))
        let verdict = stability.verdict(now: .seconds(5))
        #expect(verdict?.failure.message == "converging worker-1: refreshing: the hook failed")
        #expect(verdict?.isOutside == false)
        _ = stability.note(right, isConnected: true, of: spec, now: .seconds(6))
        #expect(!stability.isDone(now: .seconds(100)))
    }

    @Test("a step that somebody changes ends it at once, and is no content's fault")
    func drifted() {
        var stability = stability
        _ = stability.note(right, isConnected: true, of: spec, now: .zero)
        _ = stability.note(
            status(.drifted(Drift(.missing)), .converged), isConnected: true, of: spec,
            now: .seconds(5))
        let verdict = stability.verdict(now: .seconds(5))
        #expect(verdict?.failure.code == .conflict)
        #expect(
            verdict?.failure.message
                == "watching worker-1: somebody changed packages meanwhile: missing")
    }

    @Test("what is seen from elsewhere counts apart from what the agent says")
    func looks() {
        var stability = stability
        let failure = Failure(.gate, "looking at 203.0.113.9:443: refused")
        #expect(stability.note(failure, of: spec.node, now: .seconds(10)) != nil)
        #expect(stability.note(right, isConnected: true, of: spec, now: .seconds(10)) == nil)
        #expect(!stability.isDone(now: .seconds(60)))
        #expect(stability.verdict(now: .seconds(131))?.failure.code == .gate)
        #expect(stability.lateness(.seconds(60)).failure.code == .gate)
        _ = stability.note(nil, of: spec.node, now: .seconds(60))
        #expect(stability.isDone(now: .seconds(90)))
        #expect(stability.lateness(.seconds(60)).failure.code == .timeout)
    }

    @Test("a CA or a mirror that does not answer is nobody's fault; a slow MicroK8s is the node's")
    func outside() {
        let packages = StepBody.packages(PackagesSpec(names: []))
        let microk8s = StepBody.microk8s(
            MicroK8sSpec(role: .worker, channel: "1.34/stable", addons: []))
        for (body, code, isOutside) in [
            (packages, Failure.Code.unavailable, true), (packages, .timeout, true),
            (packages, .failed, false), (microk8s, .unavailable, true),
            (microk8s, .timeout, false), (microk8s, .conflict, false),
        ] {
            let stumble = Stumble(spec.node, body, Failure(code, "x"))
            #expect(stumble.isOutside == isOutside, "\(body.kind), \(code)")
        }
    }
}
