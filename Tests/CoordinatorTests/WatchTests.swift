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

    private func status(
        _ states: StepState..., generation: UInt64 = 2, checkedFor: String = "aaaaaaaaaaaaaaaa",
        refused: Failure? = nil
    ) -> NodeStatus {
        NodeStatus(
            node: spec.node, generation: generation,
            steps: zip(spec.steps, states).map { StepStatus(id: $0.id, state: $1) },
            checkedFor: RunID(unchecked: checkedFor),
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: Date(timeIntervalSince1970: 0), refused: refused)
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

    @Test("what was right for an earlier coordinator has to be looked at again")
    func stale() {
        var watch = Watch(specs: [spec], since: .zero)
        let old = status(.converged, .converged, checkedFor: "bbbbbbbbbbbbbbbb")
        _ = watch.note(old, of: spec, now: .zero)
        #expect(!watch.isDone)
        _ = watch.note(status(.converged, .converged), of: spec, now: .zero)
        #expect(watch.isDone)
    }

    @Test("a step that drifted is told and waited for: its agent is about to mend it")
    func drifted() {
        var watch = Watch(specs: [spec], since: .zero)
        let drift = StepState.drifted(Drift(.missing))
        let lines = watch.note(status(drift, .converged), of: spec, now: .zero)
        #expect(lines == ["controller-1: haproxy drifted: missing"])
        #expect(!watch.isDone)
        #expect(watch.verdict(now: .seconds(200)) == nil)
        _ = watch.note(status(.converged, .converged), of: spec, now: .seconds(200))
        #expect(watch.isDone)
    }

    @Test("a step that drifts after it was right is not waited for: nobody is about to mend it")
    func driftedAfter() {
        var watch = Watch(specs: [spec], since: .zero)
        _ = watch.note(status(.converged, .waiting), of: spec, now: .zero)
        _ = watch.note(
            status(.drifted(Drift(.missing)), .waiting), of: spec, now: .seconds(5))
        let verdict = watch.verdict(now: .seconds(5))
        #expect(verdict?.node == spec.node)
        #expect(verdict?.failure.code == .conflict)
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
        let late = watch.verdict(now: .seconds(11) + Watch.failedMax)?.failure
        #expect(late?.message.contains("asking the CA: 503") == true)
        let final = StepState.failed(Failure(.invalid, "reading haproxy.cfg: line 3"))
        _ = watch.note(status(final, .waiting), of: spec, now: .seconds(30))
        #expect(watch.verdict(now: .seconds(30))?.failure.code == .invalid)
    }

    @Test("retries do not prolong the wait for ever: a step that keeps failing ends it")
    func retries() {
        var watch = Watch(specs: [spec], since: .zero)
        let failed = StepState.failed(Failure(.timeout, "waiting for MicroK8s: not ready"))
        var now = Duration.zero
        for attempt in 1...12 {
            _ = watch.note(status(failed, .waiting), of: spec, now: now)
            if let verdict = watch.verdict(now: now)?.failure {
                #expect(verdict.message.contains("waiting for MicroK8s: not ready"))
                #expect(now > Watch.retriesMax && now <= Watch.retriesMax + .seconds(100))
                return
            }
            now += .seconds(50)
            _ = watch.note(
                status(.converging(attempt: attempt + 1), .waiting), of: spec, now: now)
            now += .seconds(50)
        }
        Issue.record("it waits for ever")
    }

    @Test("a step that was right in between has its time again")
    func recovered() {
        var watch = Watch(specs: [spec], since: .zero)
        let failed = StepState.failed(Failure(.unavailable, "asking the CA: 503"))
        _ = watch.note(status(failed, .waiting), of: spec, now: .zero)
        _ = watch.note(status(.converged, .waiting), of: spec, now: .seconds(800))
        _ = watch.note(status(failed, .waiting), of: spec, now: .seconds(901))
        #expect(watch.verdict(now: .seconds(902)) == nil)
    }

    @Test("what only a person can end is not waited for: the second conflict in a row ends it")
    func conflicts() {
        var watch = Watch(specs: [spec], since: .zero)
        let edited = StepState.failed(Failure(.conflict, "writing haproxy.cfg: edited by hand"))
        func note(_ state: StepState, at second: Int) {
            _ = watch.note(status(state, .waiting), of: spec, now: .seconds(second))
        }
        note(edited, at: 0)
        #expect(watch.verdict(now: .seconds(1)) == nil, "the person may be about to mend it")
        note(.converging(attempt: 2), at: 3)
        note(.converged, at: 4)
        note(edited, at: 60)
        note(.failed(Failure(.unavailable, "asking systemd: no answer")), at: 63)
        note(edited, at: 66)
        #expect(watch.verdict(now: .seconds(67)) == nil, "these were none in a row")
        note(.converging(attempt: 4), at: 69)
        note(edited, at: 70)
        #expect(watch.verdict(now: .seconds(70))?.failure.code == .conflict)
    }

    @Test("a node that refuses its spec is not done, and its reason ends the wait")
    func refused() {
        var watch = Watch(specs: [spec], since: .zero)
        let refused = Failure(.conflict, "accepting generation 2: epoch 1 is older than 9")
        _ = watch.note(status(.converged, .converged, refused: refused), of: spec, now: .zero)
        #expect(!watch.isDone, "what it has converged is somebody else's")
        #expect(watch.verdict(now: .seconds(9)) == nil, "it may be about an earlier spec")
        let verdict = watch.verdict(now: .seconds(11))?.failure
        #expect(verdict?.message.hasPrefix("handing controller-1 its spec: accepting") == true)
        _ = watch.note(status(.converged, .converged), of: spec, now: .seconds(12))
        #expect(watch.isDone)
    }

    @Test("silence ends the wait with what to look at")
    func silence() {
        let watch = Watch(specs: [spec], since: .zero)
        #expect(watch.verdict(now: Watch.silenceMax) == nil)
        let failure = watch.verdict(now: Watch.silenceMax + .seconds(1))?.failure
        #expect(failure?.code == .timeout)
        #expect(failure?.fix.contains("jeeves status") == true)
    }
}
