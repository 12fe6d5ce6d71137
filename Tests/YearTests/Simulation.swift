import Foundation
import Model
import Support
import Trust

/// Nodes through simulated time: from each thing that is due to the next, one at a time within one
/// registered domain, so that the same seed gives the same year.
struct Simulation: Sendable {
    let start: Date
    let end: Date
    let nodes: [SimulatedNode]

    init(_ nodes: [SimulatedNode], from start: Date, for length: Duration) {
        self.nodes = nodes
        self.start = start
        end = start + length
    }

    /// Returns how many passes were made.
    func run() async -> Int {
        let lanes = Dictionary(grouping: nodes) { SimulatedCA.registered($0.domain) }
        return await withTaskGroup(of: Int.self) { group in
            for lane in lanes.values { group.addTask { await live(lane) } }
            return await group.reduce(0, +)
        }
    }

    private func live(_ lane: [SimulatedNode]) async -> Int {
        var due = lane.map(\.created)
        var passes = 0
        while let next = due.indices.min(by: { due[$0] < due[$1] }), due[next] < end {
            due[next] = await lane[next].pass(at: due[next])
            passes += 1
        }
        return passes
    }

    /// Sentences about every moment in which a node had a good certificate once and then none.
    var lapses: [String] {
        nodes.flatMap { node -> [String] in
            let served = node.haproxy.served
            guard let first = served.first else { return ["\(node.domain) never had one"] }
            var found: [String] = []
            if first.from > node.created + .days(1) {
                found.append("\(node.domain) waited until \(first.from) for its first")
            }
            for (index, one) in served.enumerated() {
                let replaced = index + 1 < served.count ? served[index + 1].from : end
                let good = goodUntil(one.facts, of: node)
                if replaced >= good {
                    found.append(
                        "\(node.domain) (\(node.lifetime / .days(1)) d): serial "
                            + "\(one.facts.serialHex) was good until \(good), replaced \(replaced)")
                }
            }
            return found
        }
    }

    private func goodUntil(_ facts: CertificateFacts, of node: SimulatedNode) -> Date {
        guard let serial = UInt64(facts.serialHex, radix: 16),
            let record = node.ca.record(serial, of: node.domain)
        else { return .distantPast }
        return node.ca.end(of: record)
    }

    /// Certificates of each day, the first day left out: it is the one on which all are created.
    func ordersByDay(at cas: [SimulatedCA]) -> [Int] {
        var days = Array(repeating: 0, count: Int((end - start) / .days(1)))
        for date in cas.flatMap(\.issues) {
            let day = Int((date - start) / .days(1))
            if days.indices.contains(day) { days[day] += 1 }
        }
        return Array(days.dropFirst())
    }
}

extension [Date] {
    /// The most of them in any stretch of that length.
    func most(within length: Duration) -> Int {
        let times = sorted()
        var first = 0
        var most = 0
        for (index, time) in times.enumerated() {
            while times[first] + length <= time { first += 1 }
            most = Swift.max(most, index - first + 1)
        }
        return most
    }
}
