import FoundationEssentials
import Model
import Support

@testable import Coordinator

/// Reports of nodes with one step, as tests of the past need them.
enum Reports {
    static func make(
        _ node: String = "worker-1", _ state: StepState = .converged, detail: String = "",
        boot: String = "b", at offset: Double = 0, refused: Failure? = nil
    ) -> NodeStatus {
        NodeStatus(
            node: NodeName(unchecked: node), generation: 1,
            steps: [
                StepStatus(id: StepID(unchecked: "haproxy"), state: state, detail: detail)
            ],
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: boot, address: "", instanceID: ""),
            agentVersion: "1", reportedAt: FakeWorld.start + offset, refused: refused)
    }

    /// One that says why its step failed.
    static func failed(_ why: String, at offset: Double) -> NodeStatus {
        make("worker-1", .failed(Failure(.failed, why)), at: offset)
    }
}
