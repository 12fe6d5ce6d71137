import FoundationEssentials
import Model
import Store

/// What the nodes have said to this coordinator, and where it is written down: the last word of
/// each, and what it was before.
struct NodeReports: Sendable {
    private(set) var last: [NodeName: NodeStatus] = [:]
    /// What each node's history ends with, so that a report without news reads nothing.
    private var written: [NodeName: NodeState] = [:]
    private let store: Store

    init(store: Store) { self.store = store }

    mutating func keep(_ status: NodeStatus, now: Date) throws {
        let node = status.node
        last[node] = status
        let state = NodeState(status)
        let history =
            written[node] == state
            ? [] : try StateHistory.of(node, in: store).writes(of: state, now: now)
        let report = Write.put(.statuses, node.rawValue, try JSON.encode(status))
        try store.commit([], [report] + (history ?? []))
        if history != nil { written[node] = state }
    }

    mutating func forget(_ node: NodeName) {
        last[node] = nil
        written[node] = nil
    }
}

extension Event {
    private static let wordScalarsMax = 200
    private static let detailScalarsMax = 1000

    /// As its node may tell it: in its own name, about itself, and so short that it cannot fill the
    /// store.
    func reported(by node: NodeName) -> Event {
        let own = "node/\(node)"
        let isAboutItself = subject == own || subject.hasPrefix("step/")
        return Event(
            at: at, actor: "agent/\(node)",
            subject: (isAboutItself ? subject : "\(own)/\(subject)").prefix(
                scalars: Self.wordScalarsMax),
            cause: cause.prefix(scalars: Self.wordScalarsMax), outcome: outcome,
            detail: detail.prefix(scalars: Self.detailScalarsMax))
    }
}
