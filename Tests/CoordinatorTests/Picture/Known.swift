import FoundationEssentials
import Model
import Support

@testable import Coordinator
@testable import Tools

let worker2 = NodeName(unchecked: "worker-2")

extension Knowledge {
    /// One controller and two workers, a minute after a rollout, with which all is well.
    static func healthy() -> Knowledge {
        let certificate = ServedCertificate(
            serial: "04ab", notAfter: FakeWorld.start.addingTimeInterval(62 * 86_400),
            renewsFrom: FakeWorld.start.addingTimeInterval(32 * 86_400),
            notBefore: FakeWorld.start.addingTimeInterval(-28 * 86_400))
        var controller = NodeStatus.of(controller1, steps: ["microk8s", "haproxy"])
        controller = controller.with(
            controller.steps + [
                StepStatus(
                    id: StepID(unchecked: "certificate"), state: .converged,
                    detail: certificate.description)
            ])
        return Knowledge(
            status: ClusterStatus(
                cluster: ClusterID(unchecked: "chat"),
                domain: DomainName(unchecked: "chat.example.org"),
                layers: ["infra", "dns", "edge", "cluster", "ingress", "app"].map {
                    ClusterStatus.Layer(name: $0, state: .right, detail: "\($0) as it should be")
                },
                lookedAt: FakeWorld.start,
                nodes: [
                    .of(controller1, .controller, controller),
                    .of(worker1, .worker, .of(worker1, steps: ["microk8s", "join"])),
                    .of(worker2, .worker, .of(worker2, steps: ["microk8s", "join"])),
                ], gate: nil, rollout: .settled(.done)),
            sight: ClusterSight(
                members: ["controller-1", "worker-1", "worker-2"].map { .named($0) },
                ingress: [.init(name: "traefik", ready: 1, all: 1)],
                app: [
                    .init(name: "chat-ddp-streamer", ready: 1, all: 1),
                    .init(name: "nats", ready: 1, all: 1),
                ]),
            links: [controller1, worker1, worker2], namespace: "chat",
            now: FakeWorld.start.addingTimeInterval(60))
    }

    /// The same with another status; nil leaves what is there.
    func with(
        layers: [String: ClusterStatus.Layer.State] = [:], lookedAt: Date? = nil,
        nodes: [ClusterStatus.Node] = [], rollout: Rollout? = nil
    ) -> Knowledge {
        var known = Knowledge(
            status: ClusterStatus(
                cluster: status.cluster, domain: status.domain,
                layers: status.layers.map {
                    ClusterStatus.Layer(
                        name: $0.name, state: layers[$0.name] ?? $0.state,
                        detail: layers[$0.name] == nil ? $0.detail : "\($0.name) is not so")
                },
                lookedAt: lookedAt ?? status.lookedAt,
                nodes: status.nodes.map { node in
                    nodes.first { $0.name == node.name } ?? node
                },
                gate: nil, rollout: rollout ?? status.rollout),
            now: now)
        (known.sight, known.links, known.held) = (sight, links, held)
        known.namespace = namespace
        return known
    }
}

extension ClusterStatus.Node {
    static func of(
        _ name: NodeName, _ role: MicroK8sSpec.Role, _ status: NodeStatus?, revoked: Bool = false
    ) -> ClusterStatus.Node {
        ClusterStatus.Node(
            name: name, role: role, instanceID: "i-\(name)", address: "10.0.0.1",
            publicAddress: role == .controller ? "203.0.113.9" : "", connected: true,
            revoked: revoked, status: status, age: "3.0s")
    }
}

extension NodeStatus {
    /// The same with other steps.
    func with(_ steps: [StepStatus]) -> NodeStatus {
        NodeStatus(
            node: node, generation: generation, steps: steps, facts: facts,
            agentVersion: agentVersion, reportedAt: reportedAt, refused: refused)
    }
}

extension Rollout {
    /// One whose only stage stands as it does itself.
    static func settled(_ state: State) -> Rollout {
        var rollout = Rollout.ended(state)
        rollout.stages[0].state = state
        rollout.stages[0].endedAt = rollout.endedAt
        return rollout
    }
}
