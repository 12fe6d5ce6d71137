import Model

@testable import Coordinator

/// The moment in which a batch of workers begins, and what must hold then: it is no larger than it
/// may be, and beside it no worker is torn or closed. A torn worker holds up no controller: its
/// Kubernetes must not be the older.
struct BatchBeginning {
    private let line: String
    private let batch: Set<NodeName>

    /// Nil if a line for a person tells of something else.
    init?(_ line: String) {
        guard line.hasPrefix("batch "), let colon = line.firstIndex(of: ":") else { return nil }
        self.line = line
        batch = Set(
            line[colon...].dropFirst(2).split(separator: ", ").map { NodeName(unchecked: "\($0)") })
        guard batch.contains(where: Self.isWorker) else { return nil }
    }

    /// What does not hold.
    func violations(in estate: Estate, batch size: Int) -> [String] {
        var found = batch.count > size ? ["too large: \(line)"] : []
        let torn = estate.agents.look(\.agents).filter { _, agent in
            agent.told?.isConverged(generation: agent.spec?.generation ?? 0) != true
        }.keys
        // What mends torn ones only touches nothing that serves.
        guard !batch.isSubset(of: torn) else { return found }
        let others = torn.filter { !batch.contains($0) && Self.isWorker($0) }
        if !others.isEmpty { found.append("\(line), while torn: \(others.sorted())") }
        let closed = estate.cluster.look(\.marked).subtracting(batch.map(\.rawValue))
        if !closed.isEmpty { found.append("\(line), while closed: \(closed.sorted())") }
        return found
    }

    private static func isWorker(_ node: NodeName) -> Bool { node.rawValue.hasPrefix("worker") }
}
