import Model
import Store

/// What `jeeves epoch raise` found and did.
public struct EpochRaise: Codable, Hashable, Sendable {
    public struct Node: Codable, Hashable, Sendable {
        public let name: NodeName
        public let epoch: UInt64
        public let generation: UInt64
        public let spec: Knowledge

        /// Whether it obeys another spec than this state folder knew, which gives up its own.
        var isUnknown: Bool { spec == .newer }
    }

    /// What this state folder knows of the spec that a node obeys.
    public enum Knowledge: String, Codable, Hashable, Sendable {
        case known
        /// It has an older one, or another.
        case newer
        /// It has none of this node.
        case missing

        init(_ saved: NodeSpec?, of fence: Fence) {
            self = saved.map { $0.isBehind(fence) ? .newer : .known } ?? .missing
        }
    }

    /// No copy of a state folder is so many starts behind: who says so has made it up, and would
    /// use up all that can be counted.
    static let leapMax: UInt64 = 1 << 32

    /// The highest epoch that this state folder had begun.
    public let from: UInt64
    /// The next start begins after this one.
    public let to: UInt64
    public let nodes: [Node]
    /// Machines whose agents did not come, so that nobody knows what they obey.
    public let silent: [NodeName]

    /// Whether an earlier start was refused because of what the agents obeyed, which is forgotten.
    public let wasRefused: Bool

    public var isChange: Bool { to > from || wasRefused || nodes.contains(where: \.isUnknown) }
}

extension Driver {
    /// Learns from the agents which epoch and generation they obey, and goes beyond: the next start
    /// of a coordinator on this state folder is obeyed. What it knew of specs that were replaced
    /// since is forgotten, so that the next rollout renders them anew and counts on.
    ///
    /// `floor` is an epoch that is to be passed in any case, for agents that cannot say. Throws
    /// `conflict` if a node claims an epoch that no start can have had.
    public func raiseEpoch(above floor: UInt64) async throws -> EpochRaise {
        let missing = try await Enrol.missing(run.machines(), run, atMost: Enrol.redialMax)
        let nodes = try await run.downlinks.greetings.obeyed.sorted { $0.key < $1.key }.map {
            let saved = try run.store.get(NodeSpec.self, .specs, $0.key.rawValue)
            return EpochRaise.Node(
                name: $0.key, epoch: $0.value.epoch, generation: $0.value.generation,
                spec: EpochRaise.Knowledge(saved, of: $0.value))
        }
        let credible = run.driving.epoch + EpochRaise.leapMax
        if let liar = nodes.first(where: { $0.epoch > credible }) {
            throw Failure(
                .conflict,
                "raising the epoch: \(liar.name) says that it obeys epoch \(liar.epoch), and this "
                    + "state folder is at \(run.driving.epoch): nobody began it so often",
                fix: "run `jeeves node revoke \(liar.name)`, then `jeeves epoch raise` again")
        }
        let raise = EpochRaise(
            from: run.driving.epoch,
            to: max(run.driving.epoch, floor, nodes.map(\.epoch).max() ?? 0), nodes: nodes,
            silent: missing.sorted(), wasRefused: try Superseded.read(run.store) != nil)
        guard raise.isChange else { return raise }
        try save(raise)
        return raise
    }

    private func save(_ raise: EpochRaise) throws {
        let unknown = raise.nodes.filter(\.isUnknown).map(\.name)
        var writes = [Superseded.forgetting] + unknown.map { Write.delete(.specs, $0.rawValue) }
        var detail = "epoch raised from \(raise.from) to \(raise.to)"
        if !unknown.isEmpty {
            // Batches that were under way then say nothing of what is right now.
            writes += [BatchPlan.forgetting(.controller), BatchPlan.forgetting(.worker)]
            let names = unknown.map(\.rawValue).joined(separator: ", ")
            detail += "; specs forgotten: \(names)"
        }
        var byPerson = run
        byPerson.errand = "operator"
        try run.store.raiseEpoch(
            to: raise.to, run: run.driving.run, with: writes,
            byPerson.event("cluster/\(run.cluster.cluster)", .done, detail))
    }
}
