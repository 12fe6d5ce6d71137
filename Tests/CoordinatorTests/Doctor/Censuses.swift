import FoundationEssentials
import Model
import Support

@testable import AWS
@testable import Coordinator
@testable import Tools

let controller1 = NodeName(unchecked: "controller-1")
let worker1 = NodeName(unchecked: "worker-1")
let stranger9 = NodeName(unchecked: "worker-9")

extension Census {
    /// One controller and one worker with which all is well.
    static func healthy() -> Census {
        var census = Census(now: FakeWorld.start, version: "1")
        census.wanted = ["controller-1", "worker-1"]
        census.infrastructure = Infrastructure(
            account: "1", roleName: "r",
            machines: [
                controller1: .init(
                    role: .controller, instanceID: "i-c", privateAddress: "10.0.0.1",
                    publicAddress: "203.0.113.9"),
                worker1: .init(
                    role: .worker, instanceID: "i-w", privateAddress: "10.0.0.2",
                    publicAddress: ""),
            ])
        census.instances = .success([.state("running", of: "i-c"), .state("running", of: "i-w")])
        census.members = .success([.named("controller-1"), .named("worker-1")])
        census.connected = [controller1, worker1]
        census.statuses = [
            controller1: .of(controller1, steps: ["haproxy", "microk8s"]),
            worker1: .of(worker1, steps: ["microk8s", "join"]),
        ]
        census.rollout = .ended(.done)
        return census
    }
}

extension EC2.Instance {
    static func state(_ state: String, of id: String, at address: String? = nil) -> EC2.Instance {
        EC2.Instance(id: id, state: state, privateAddress: address, publicAddress: nil)
    }
}

extension Kubectl.Member {
    static func named(
        _ name: String, isReady: Bool = true, isClosed: Bool = false, isClosedByUs: Bool = false,
        at address: String = "10.0.0.9"
    ) -> Kubectl.Member {
        Kubectl.Member(
            name: name, isReady: isReady, isClosed: isClosed, isClosedByUs: isClosedByUs,
            hops: [address])
    }
}

extension NodeStatus {
    static func of(
        _ node: NodeName, steps: [String], state: StepState = .converged, version: String = "1",
        secondsAgo: Double = 0, refused: Failure? = nil
    ) -> NodeStatus {
        NodeStatus(
            node: node, generation: 1,
            steps: steps.map { StepStatus(id: StepID(unchecked: $0), state: state) },
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            agentVersion: version, reportedAt: FakeWorld.start.addingTimeInterval(-secondsAgo),
            refused: refused)
    }
}

extension Rollout {
    /// One that was to reach a goal and ended so, in its first stage.
    static func ended(_ state: Rollout.State, goal: Goal? = nil) -> Rollout {
        var rollout = Rollout(
            id: RunID(unchecked: "aaaaaaaaaaaaaaaa"), epoch: 1, startedAt: FakeWorld.start,
            goal: goal)
        rollout.state = state
        if ![.running, .paused].contains(state) { rollout.endedAt = FakeWorld.start }
        var stage = Progress(stage: .app, startedAt: FakeWorld.start)
        stage.failure = state == .failed ? Failure(.failed, "upgrading: no") : nil
        rollout.stages = [stage]
        return rollout
    }
}
