import Model
import Testing

@testable import Coordinator

@Suite struct BatchesTests {
    private func names(_ range: ClosedRange<Int>) -> [NodeName] {
        range.map { NodeName(unchecked: "worker-\($0)") }
    }

    private func settings(_ batch: BatchSize, canary: Int = 1) -> RolloutSection {
        var settings = RolloutSection()
        (settings.batch, settings.canary) = (batch, canary)
        return settings
    }

    /// Numbers of the workers of each batch.
    private func numbers(_ batches: [Batch]) -> [[Int]] {
        batches.map { $0.nodes.compactMap { Int($0.rawValue.dropFirst("worker-".count)) } }
    }

    private func serving(_ range: ClosedRange<Int>) -> [NodeName: Batches.Standing] {
        Dictionary(uniqueKeysWithValues: names(range).map { ($0, .serving) })
    }

    @Test("one by one is the default")
    func standard() {
        let batches = Batches.make(serving(1...3), role: .worker, settings: RolloutSection())
        #expect(numbers(batches) == [[1], [2], [3]])
        #expect(batches.allSatisfy { !$0.isNew })
    }

    @Test("the canary goes before the first whole batch, and the last one takes what is left")
    func canary() {
        let four = Batches.make(serving(1...8), role: .worker, settings: settings(.count(4)))
        #expect(numbers(four) == [[1], [2, 3, 4, 5], [6, 7, 8]])
        let none = settings(.count(4), canary: 0)
        #expect(
            numbers(Batches.make(serving(1...6), role: .worker, settings: none))
                == [[1, 2, 3, 4], [5, 6]])
        let large = settings(.count(2), canary: 5)
        #expect(
            numbers(Batches.make(serving(1...4), role: .worker, settings: large))
                == [[1, 2], [3, 4]], "a canary is never more than a batch")
    }

    @Test("a share is of the nodes that serve, rounded down, and at least one")
    func share() {
        let quarter = settings(.percent(25), canary: 0)
        func sizes(_ standings: [NodeName: Batches.Standing]) -> [Int] {
            Batches.make(standings, role: .worker, settings: quarter).map { $0.nodes.count }
        }
        var eight = serving(1...8)
        #expect(sizes(eight) == [2, 2, 2, 2])
        for node in names(9...20) { eight[node] = .new }
        #expect(sizes(eight) == [12, 2, 2, 2, 2])
        for node in names(1...4) { eight[node] = .done }
        #expect(sizes(eight) == [12, 2, 2], "what is done counts among those that serve")
        let three = Batches.make(serving(1...3), role: .worker, settings: quarter)
        #expect(numbers(three) == [[1], [2], [3]])
        let all = settings(.percent(100), canary: 0)
        #expect(Batches.make(serving(1...3), role: .worker, settings: all).count == 1)
    }

    @Test("controllers go one by one, whatever the settings say")
    func controllers() {
        let batches = Batches.make(
            serving(1...3), role: .controller, settings: settings(.percent(100), canary: 0))
        #expect(numbers(batches) == [[1], [2], [3]])
    }

    @Test("workers are first installed together, controllers one after another")
    func installation() {
        let new = serving(1...3).mapValues { _ in Batches.Standing.new }
        let workers = Batches.make(new, role: .worker, settings: RolloutSection())
        #expect(numbers(workers) == [[1, 2, 3]])
        let controllers = Batches.make(new, role: .controller, settings: RolloutSection())
        #expect(numbers(controllers) == [[1], [2], [3]])
        #expect((workers + controllers).allSatisfy { $0.isNew })
    }

    @Test("new nodes come first, then torn ones, then those that serve")
    func order() {
        var standings = serving(1...6)
        standings[NodeName(unchecked: "worker-5")] = .torn
        standings[NodeName(unchecked: "worker-3")] = .done
        standings[NodeName(unchecked: "worker-6")] = .new
        let batches = Batches.make(standings, role: .worker, settings: settings(.count(2)))
        #expect(numbers(batches) == [[6], [5], [1, 2], [4]])
        #expect(batches.map { $0.isNew } == [true, false, false, false])
    }

    @Test("every node that is not done stands in exactly one batch, and none exceeds its size")
    func everyCombination() {
        let all: [Batches.Standing] = [.new, .torn, .serving, .done]
        for code in 0..<(4 * 4 * 4 * 4 * 4) {
            let standings = Dictionary(
                uniqueKeysWithValues: names(1...5).enumerated().map { index, name in
                    (name, all[(code >> (2 * index)) & 3])
                })
            for (batch, canary) in [(BatchSize.count(1), 1), (.count(2), 0), (.percent(50), 1)] {
                let settings = settings(batch, canary: canary)
                let batches = Batches.make(standings, role: .worker, settings: settings)
                let listed = batches.flatMap(\.nodes)
                let wanted = standings.filter { $0.value != .done }.keys
                #expect(listed.count == wanted.count)
                #expect(Set(listed) == Set(wanted))
                let old = standings.count { $0.value != .new }
                let size = batch.nodes(of: old)
                #expect(batches.allSatisfy { $0.isNew || $0.nodes.count <= size })
                #expect(batches.allSatisfy { !$0.nodes.isEmpty })
                #expect(batches.dropFirst().allSatisfy { !$0.isNew })
                #expect(
                    Batches.make(standings, role: .worker, settings: settings) == batches,
                    "the same each time")
            }
        }
    }

    @Test("nothing to do is no batch")
    func nothing() {
        let done = serving(1...3).mapValues { _ in Batches.Standing.done }
        #expect(Batches.make(done, role: .worker, settings: RolloutSection()).isEmpty)
        #expect(Batches.make([:], role: .worker, settings: RolloutSection()).isEmpty)
    }

    @Test(
        "the size of a batch is a number or a share, and nothing else",
        arguments: ["", "0", "0%", "101", "101%", "-1", "%", "1 %", "all", "300", "1.5", "٣"])
    func wrongSize(text: String) {
        #expect(BatchSize(text) == nil)
    }

    @Test("a cluster file says how many change at once, and is told what cannot be")
    func file() throws {
        let edits = [("batch: 1\n", "batch: 25%\n"), ("canary: 1", "canary: 0")]
        let read = try exampleCluster(edits).rollout
        #expect(read.batch == .percent(25) && read.canary == 0)
        #expect(read.batch.description == "25%")
        for (edit, words) in [
            (("batch: 1\n", "batch: half\n"), "rollout.batch: \"half\" is neither a number"),
            (("stableSeconds: 30", "stableSeconds: 1800"), "has only 1800 seconds for all of it"),
            (("drainSeconds: 300", "drainSeconds: 1"), "rollout.drainSeconds: 1 is outside 10"),
            (("failuresMax: 0", "failuresMax: -1"), "rollout.failuresMax: -1 is outside 0"),
        ] {
            let failure = #expect(throws: Failure.self) { try exampleCluster([edit]) }
            #expect(failure?.message.contains(words) == true, "\(String(describing: failure))")
        }
    }
}
