import FoundationEssentials
import Model
import Testing

@testable import Coordinator

@Suite struct RolloutProgressTests {
    static let spec = NodeSpec(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"), epoch: 1,
        run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 2,
        digest: Digest(unchecked: String(repeating: "0", count: 64)),
        steps: ["haproxy", "certificate"].map {
            StepSpec(id: StepID(unchecked: $0), body: .packages(PackagesSpec(names: [])))
        })

    static func status(_ states: StepState..., generation: UInt64 = 2) -> NodeStatus {
        NodeStatus(
            node: spec.node, generation: generation,
            steps: zip(spec.steps, states).map {
                StepStatus(id: $0.id, state: $1, detail: $1 == .converged ? "" : "asking")
            },
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: Date(timeIntervalSince1970: 0))
    }

    private func stages(_ took: [Double?]) -> [Rollout.Progress] {
        let start = Date(timeIntervalSince1970: 0)
        return zip([StageName.preflight, .verify], took).map { stage, took in
            var entry = Rollout.Progress(stage: stage, startedAt: start)
            entry.state = took == nil ? .failed : .done
            entry.endedAt = start + (took ?? 5)
            return entry
        }
    }

    @Test("what a stage usually takes is the median of the rollouts that got through it")
    func usual() {
        let recipe: [any Stage] = [Preflight(), Verify(), Routes()]
        func seconds(_ earlier: [Rollout.Progress]) -> [Double?] {
            StageOutlook.of(recipe, after: earlier).map(\.usualSeconds)
        }
        #expect(seconds([]) == [nil, nil, nil])
        #expect(
            seconds(stages([1, 60]) + stages([9, 20]) + stages([2, nil])) == [2, 40, nil])
        #expect(StageOutlook.of(recipe, after: []).map(\.stage) == [.preflight, .verify, .routes])
    }

    @Test(
        "a node's activity is the step in work, else the one that failed, and how many are right",
        arguments: [
            (status(.converged, .converging(attempt: 1)), 1, "certificate: asking"),
            (status(.converging(attempt: 3), .waiting), 0, "haproxy try 3: asking"),
            (
                status(.failed(Failure(.failed, "testing it: no")), .converging(attempt: 1)), 0,
                "certificate: asking"
            ),
            (
                status(.converged, .failed(Failure(.failed, "testing it: no"))), 1,
                "certificate failed: testing it: no"
            ),
            (status(.converged, .converged), 2, ""),
            (status(.converged, .converged, generation: 1), 0, ""),
        ])
    func activity(_ status: NodeStatus, done: Int, text: String) {
        #expect(
            Activity(Self.spec, status) == Activity("controller-1", text, done: done, of: 2))
    }
}
