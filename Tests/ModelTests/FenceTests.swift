import Model
import Testing

@Suite struct FenceTests {
    private let digestA = Digest(unchecked: String(repeating: "a", count: 64))
    private let digestB = Digest(unchecked: String(repeating: "b", count: 64))
    private let runA = RunID(unchecked: "aaaaaaaaaaaaaaaa")
    private let runB = RunID(unchecked: "bbbbbbbbbbbbbbbb")

    private func spec(
        _ epoch: UInt64, _ run: RunID, _ generation: UInt64, _ digest: Digest
    ) -> NodeSpec {
        NodeSpec(
            cluster: ClusterID(unchecked: "c"), node: NodeName(unchecked: "n"), epoch: epoch,
            run: run, generation: generation, digest: digest, steps: [])
    }

    @Test("the same spec, a newer generation and a newer epoch are admitted")
    func admits() throws {
        let fence = Fence(of: spec(5, runA, 3, digestA))
        try fence.admit(spec(5, runA, 3, digestA))
        try fence.admit(spec(5, runA, 4, digestB))
        try fence.admit(spec(6, runB, 3, digestA))
    }

    @Test("anything older or contradictory is a conflict")
    func refuses() {
        let fence = Fence(of: spec(5, runA, 3, digestA))
        for stale in [
            spec(4, runA, 9, digestA), spec(5, runB, 9, digestA), spec(6, runB, 2, digestA),
            spec(6, runB, 3, digestB),
        ] {
            let failure = #expect(throws: Failure.self) { try fence.admit(stale) }
            #expect(failure?.code == .conflict)
            #expect(failure?.fix.isEmpty == false)
        }
    }
}
