import FoundationEssentials
import Model
import Testing

@testable import Coordinator

@Suite struct WatchTests {
    private let spec = NodeSpec(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"), epoch: 1,
        run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 2,
        digest: Digest(unchecked: String(repeating: "0", count: 64)),
        steps: [
            StepSpec(id: StepID(unchecked: "haproxy"), body: .packages(PackagesSpec(names: []))),
            StepSpec(
                id: StepID(unchecked: "certificate"), body: .packages(PackagesSpec(names: []))),
        ])

    private func status(_ states: StepState..., generation: UInt64 = 2) -> NodeStatus {
        NodeStatus(
            node: spec.node, generation: generation,
            steps: zip(spec.steps, states).map { StepStatus(id: $0.id, state: $1) },
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: Date(timeIntervalSince1970: 0))
    }

    @Test("only the wanted generation with every step right is done")
    func done() {
        var watch = Watch(specs: [spec], since: .zero)
        _ = watch.note(status(.converged, .converged, generation: 1), of: spec, now: .zero)
        #expect(!watch.isDone)
        _ = watch.note(status(.converged, .waiting), of: spec, now: .zero)
        #expect(!watch.isDone)
        _ = watch.note(status(.converged, .converged), of: spec, now: .zero)
        #expect(watch.isDone)
        #expect(!watch.changed, "nothing was seen changing")
    }

    @Test("each change is told once")
    func lines() {
        var watch = Watch(specs: [spec], since: .zero)
        let first = watch.note(status(.converging(attempt: 1), .waiting), of: spec, now: .zero)
        #expect(first == ["controller-1: haproxy …"])
        #expect(watch.note(status(.converging(attempt: 1), .waiting), of: spec, now: .zero) == [])
        #expect(
            watch.note(status(.converged, .waiting), of: spec, now: .zero)
                == ["controller-1: haproxy right "])
        #expect(watch.changed)
    }

    @Test("a failure that can pass is given time; one that cannot ends the wait at once")
    func verdicts() {
        var watch = Watch(specs: [spec], since: .zero)
        let passing = StepState.failed(Failure(.unavailable, "asking the CA: 503"))
        _ = watch.note(status(.converged, passing), of: spec, now: .seconds(10))
        #expect(watch.verdict(now: .seconds(20)) == nil)
        let late = watch.verdict(now: .seconds(11) + Watch.failedMax)
        #expect(late?.message.contains("asking the CA: 503") == true)
        let final = StepState.failed(Failure(.invalid, "reading haproxy.cfg: line 3"))
        _ = watch.note(status(final, .waiting), of: spec, now: .seconds(30))
        #expect(watch.verdict(now: .seconds(30))?.code == .invalid)
    }

    @Test("silence ends the wait with what to look at")
    func silence() {
        let watch = Watch(specs: [spec], since: .zero)
        #expect(watch.verdict(now: Watch.silenceMax) == nil)
        let failure = watch.verdict(now: Watch.silenceMax + .seconds(1))
        #expect(failure?.code == .timeout)
        #expect(failure?.fix.contains("jeeves status") == true)
    }
}
