import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator

@Suite struct ClusterCertificatesTests {
    private let served = ServedCertificate(
        serial: "04ab", notAfter: FakeWorld.start.addingTimeInterval(30.5 * 86_400),
        renewsFrom: FakeWorld.start.addingTimeInterval(86_400))

    private func node(
        _ name: String, _ role: MicroK8sSpec.Role, _ steps: [StepStatus]?
    ) -> ClusterStatus.Node {
        let node = NodeName(unchecked: name)
        let status = steps.map {
            NodeStatus(
                node: node, generation: 1, steps: $0,
                facts: Facts(
                    system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
                agentVersion: "1", reportedAt: FakeWorld.start)
        }
        return ClusterStatus.Node(
            name: node, role: role, instanceID: "", address: "", publicAddress: "",
            connected: true, revoked: false, status: status, age: "3.0s")
    }

    @Test("each controller has what it serves, its days and its trouble; workers have none")
    func certificates() {
        let trouble = Failure(.unavailable, "the CA is away; next try at noon")
        let step = StepID(unchecked: "certificate")
        let status = ClusterStatus(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), layers: [], lookedAt: nil,
            nodes: [
                node(
                    "controller-1", .controller,
                    [StepStatus(id: step, state: .converged, detail: served.description)]),
                node(
                    "controller-2", .controller,
                    [StepStatus(id: step, state: .failed(trouble), detail: served.description)]),
                node("controller-3", .controller, nil),
                node("worker-1", .worker, []),
            ], gate: nil, rollout: nil)
        let found = status.certificates(now: FakeWorld.start)
        #expect(found.map(\.node.rawValue) == ["controller-1", "controller-2", "controller-3"])
        #expect(found.map(\.served) == [served, served, nil])
        #expect(found.map(\.daysLeft) == [30, 30, nil])
        #expect(found.map(\.trouble) == [nil, trouble, nil])
        let expired = status.certificates(now: served.notAfter.addingTimeInterval(60))
        #expect(expired.first?.daysLeft == -1)
        #expect(found.map(\.alert) == [.quiet, .quiet, nil])
        #expect(expired.first?.alert == .expired)
    }
}
