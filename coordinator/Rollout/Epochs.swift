import Model
import Outside
import Store

/// A state folder that the agents have left behind: a restored backup, or a copy whose other one
/// went on. Nothing may be done from it, for it was done already, or otherwise.
extension StageRun {
    /// Waits until one of the cluster's machines has said what it obeys, for as long as it may take
    /// to find this coordinator. Without machines, or without any that runs, nobody can say.
    func awaitWord(atMost deadline: Duration) async throws {
        let machines = Set((try? infrastructure())?.machines.keys.map { $0 } ?? [])
        let end = world.clock.uptime() + deadline
        while !machines.isEmpty, world.clock.uptime() < end {
            guard await downlinks.greetings.nodes.isDisjoint(with: machines) else { return }
            try await world.clock.sleep(.milliseconds(200), op: "agents.word")
        }
    }

    /// Throws `conflict`, naming the nodes, if any obeys a later start of a coordinator.
    func refuseIfSuperseded() async throws {
        let later = await downlinks.greetings.superseding.sorted { $0.key < $1.key }
        guard !later.isEmpty else { return }
        let words = later.map { "\($0.key) obeys epoch \($0.value.epoch)" }
        throw Failure(
            .conflict,
            "driving the nodes: \(words.joined(separator: ", ")), and this state folder is at "
                + "\(driving.epoch): it is a restored backup, or a copy that was left behind",
            fix: "go on with the newest state folder; if that one is lost, run "
                + "`jeeves epoch raise`, then the same again")
    }
}

/// What `jeeves epoch raise` found and did.
public struct EpochRaise: Codable, Hashable, Sendable {
    public struct Node: Codable, Hashable, Sendable {
        public let name: NodeName
        public let epoch: UInt64
        public let generation: UInt64
        /// Whether it obeys another spec than this state folder knew, which gives up its own.
        public let isUnknown: Bool
    }

    /// The highest epoch that this state folder had begun.
    public let from: UInt64
    /// The next start begins after this one.
    public let to: UInt64
    public let nodes: [Node]
    /// Machines whose agents did not come, so that nobody knows what they obey.
    public let silent: [NodeName]

    public var isChange: Bool { to > from || nodes.contains(where: \.isUnknown) }
}

extension Driver {
    /// Learns from the agents which epoch and generation they obey, and goes beyond: the next start
    /// of a coordinator on this state folder is obeyed. What it knew of specs that were replaced
    /// since is forgotten, so that the next rollout renders them anew and counts on.
    ///
    /// `floor` is an epoch that is to be passed in any case, for agents that cannot say.
    public func raiseEpoch(above floor: UInt64) async throws -> EpochRaise {
        let wanted = Set((try? run.infrastructure())?.machines.keys.map { $0 } ?? [])
        let missing = try await Enrol.missing(wanted, run, atMost: Enrol.redialMax)
        let nodes = try await run.downlinks.greetings.obeyed.sorted { $0.key < $1.key }.map {
            let saved = try run.store.get(NodeSpec.self, .specs, $0.key.rawValue)
            return EpochRaise.Node(
                name: $0.key, epoch: $0.value.epoch, generation: $0.value.generation,
                isUnknown: saved?.isBehind($0.value) ?? false)
        }
        let raise = EpochRaise(
            from: run.driving.epoch,
            to: max(run.driving.epoch, floor, nodes.map(\.epoch).max() ?? 0), nodes: nodes,
            silent: missing.sorted())
        guard raise.isChange else { return raise }
        try save(raise)
        return raise
    }

    private func save(_ raise: EpochRaise) throws {
        let unknown = raise.nodes.filter(\.isUnknown).map(\.name)
        var writes = unknown.map { Write.delete(.specs, $0.rawValue) }
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

extension NodeSpec {
    /// Whether a node that obeys `fence` has gone on since it was given this.
    fileprivate func isBehind(_ fence: Fence) -> Bool {
        fence.generation > generation || (fence.generation == generation && fence.digest != digest)
    }
}
