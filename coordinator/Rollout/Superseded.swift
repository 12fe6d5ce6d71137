import AWS
import Model
import Outside
import Store

/// What a start has seen of a state folder that the agents have left behind: a restored backup, or
/// a copy whose other one went on. Nothing may be done from it, for it was done already, or
/// otherwise.
///
/// It is remembered until a person raises the epoch. A start that is refused counts as well, so a
/// folder that is started often enough would overtake what the agents obey.
struct Superseded: Codable, Hashable, Sendable {
    private static let key = "superseded"

    /// `controller-1 obeys epoch 40, and this state folder is at 5`.
    let reason: String

    static func read(_ store: Store) throws -> Superseded? {
        try store.get(Superseded.self, .meta, key)
    }

    func save(_ store: Store) throws { try store.put(.meta, Self.key, self) }

    static let forgetting = Write.delete(.meta, key)
}

extension StageRun {
    /// Waits until every machine that runs has said what it obeys, for as long as its agent may
    /// take to find this coordinator; those that shall be replaced need not.
    ///
    /// Throws `conflict` as ``refuseIfSuperseded()``, and `timeout` if machines that have a spec
    /// of an earlier start run and no agent says that it obeys any, unless they may be silent.
    func awaitWord(mayBeSilent: Bool = false) async throws {
        try await refuseIfSuperseded()
        var wanted = try machines().subtracting(options.replace)
        if await !wanted.isSubset(of: downlinks.greetings.nodes) {
            wanted = try await wanted.intersection(livingMachines())
        }
        let end = world.clock.uptime() + Enrol.redialMax
        while await !wanted.isSubset(of: downlinks.greetings.nodes), world.clock.uptime() < end {
            try await world.clock.sleep(.milliseconds(200), op: "agents.word")
            try await refuseIfSuperseded()
        }
        // Who came last may say so too.
        try await refuseIfSuperseded()
        let obedient = try wanted.filter { node in
            let saved = try store.get(NodeSpec.self, .specs, node.rawValue)
            return saved.map { $0.run != driving.run } ?? false
        }
        guard !mayBeSilent, !obedient.isEmpty, await downlinks.greetings.obeyed.isEmpty else {
            return
        }
        throw silence(of: obedient)
    }

    /// Throws `conflict`, naming the nodes, if any obeys a later start of a coordinator or a spec
    /// that this state folder does not know, now or when an earlier start looked.
    func refuseIfSuperseded() async throws {
        let words = try await contradictions().joined(separator: ", ")
        let seen =
            words.isEmpty
            ? nil : Superseded(reason: "\(words), and this state folder is at \(driving.epoch)")
        let remembered = try Superseded.read(store)
        guard let found = seen ?? remembered else { return }
        if remembered == nil { try found.save(store) }
        let since = seen == nil ? "an earlier start saw that " : ""
        throw Failure(
            .conflict,
            "driving the nodes: \(since)\(found.reason): it is a restored backup, or a copy that "
                + "was left behind",
            fix: "go on with the newest state folder; if that one is lost, run "
                + "`jeeves epoch raise`, then the same again")
    }

    private func contradictions() async throws -> [String] {
        let greetings = await downlinks.greetings
        return try greetings.obeyed.sorted { $0.key < $1.key }.compactMap { node, fence in
            if greetings.superseding[node] != nil {
                let other = fence.epoch == driving.epoch ? " of another run" : ""
                return "\(node) obeys epoch \(fence.epoch)\(other)"
            }
            let saved = try store.get(NodeSpec.self, .specs, node.rawValue)
            return saved?.isBehind(fence) == true
                ? "\(node) obeys generation \(fence.generation), which is not known here" : nil
        }
    }

    /// Machines that EC2 runs, and that are not on their way out: from others no word can come.
    private func livingMachines() async throws -> Set<NodeName> {
        let leaving = try Departures(store).all().filter { $0.phase == .leaving }.map(\.node)
        let running = try await cloud.ec2.instances(of: cluster.cluster).filter {
            $0.state == "running"
        }.map(\.id)
        let machines = try infrastructure().machines.filter {
            running.contains($0.value.instanceID) && !leaving.contains($0.key)
        }
        return Set(machines.keys)
    }

    private func silence(of nodes: Set<NodeName>) -> Failure {
        let names = nodes.sorted().map(\.rawValue).joined(separator: ", ")
        let addresses = cluster.coordinator.addresses.joined(separator: ", ")
        return Failure(
            .timeout,
            "asking the agents what they obey: \(names) did not connect within "
                + "\(Enrol.redialMax.shortText), so that nobody knows whether this state folder is "
                + "the newest one",
            fix: "check that the nodes reach \(addresses), and on the node "
                + "`journalctl -u jeeves-agent`; machines that cannot come any more: stop them, "
                + "or run `jeeves up` with `--replace` for each")
    }
}

extension NodeSpec {
    /// Whether a node that obeys `fence` has gone on since it was given this.
    func isBehind(_ fence: Fence) -> Bool {
        fence.generation > generation || (fence.generation == generation && fence.digest != digest)
    }
}
