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
        #expect(found.map(\.left) == [nil, nil], "the line does not say when it began")
        #expect(found.map(\.node.rawValue) == ["controller-1", "controller-2"])
        #expect(found.map(\.served) == [served, served])
        #expect(found.map(\.daysLeft) == [30, 30])
        #expect(found.map(\.trouble) == [nil, trouble])
        let expired = status.certificates(now: served.notAfter.addingTimeInterval(60))
        #expect(expired.first?.daysLeft == -1)
        #expect(found.map(\.alert) == [.quiet, .quiet])
        #expect(expired.first?.alert == .expired)
    }

    @Test("an edge that has no certificate yet has a line, another controller has none")
    func none() {
        let status = ClusterStatus(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), layers: [], lookedAt: nil,
            nodes: [node("controller-1", .controller, nil), node("controller-2", .controller, [])],
            gate: nil, rollout: nil)
        let found = status.certificates(now: FakeWorld.start)
        #expect(found.map(\.node.rawValue) == ["controller-1"])
        #expect(found.map(\.served) == [nil])
    }

    @Test("every step that keeps a certificate has a line of its own, with the share that is left")
    func several() {
        func kept(_ step: String, _ serial: String, _ days: Double) -> StepStatus {
            let (start, day) = (FakeWorld.start, 86_400.0)
            let line = ServedCertificate(
                serial: serial, notAfter: start.addingTimeInterval(days * day),
                renewsFrom: start.addingTimeInterval(day),
                notBefore: start.addingTimeInterval((days - 90) * day))
            return StepStatus(
                id: StepID(unchecked: step), state: .converged, detail: line.description)
        }
        let waiting = StepStatus(
            id: StepID(unchecked: "certificate-rsa"), state: .waiting,
            detail: "no certificate yet")
        let other = StepStatus(
            id: StepID(unchecked: "haproxy"), state: .converged, detail: "2.6.12, pid 7")
        let status = ClusterStatus(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), layers: [], lookedAt: nil,
            nodes: [
                node(
                    "controller-1", .controller,
                    [other, kept("certificate", "04ab", 45), kept("certificate-rsa", "05cd", 18)]),
                node("controller-2", .controller, [kept("certificate", "06ef", 9), waiting]),
            ], gate: nil, rollout: nil)
        let found = status.certificates(now: FakeWorld.start)
        #expect(found.map(\.served?.serial) == ["04ab", "05cd", "06ef", nil])
        #expect(found.map(\.left) == [0.5, 0.2, 0.1, nil])
        #expect(found.map(\.alert) == [.quiet, .warning, .critical, nil])
        #expect(found.map(\.state) == ["right", "right", "right", "waiting"])
    }
}
