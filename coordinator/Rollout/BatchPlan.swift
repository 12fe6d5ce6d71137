import Model
import Store
import Trust

/// The batches in which one role's nodes are led to their specs, and how far that is: saved, so
/// that whoever drives after a crash goes on with the same batches.
///
/// It holds for one end only: with other specs, machines or settings it is made anew.
struct BatchPlan: Codable, Hashable, Sendable {
    /// Of what it leads to.
    let id: Digest
    let batches: [Batch]
    /// How many batches were seen right and stable.
    private(set) var passed = 0
    /// Nodes that failed and were left behind.
    private(set) var failed: [NodeName] = []
    /// Whether a person has let it go on from the first batch that serves.
    private(set) var isPromoted = false

    /// Whether it stands between the first batch that serves and the others.
    var isAtGate: Bool {
        !isPromoted && next?.isNew == false && batches.prefix(passed).contains { !$0.isNew }
    }

    var next: Batch? { passed < batches.count ? batches[passed] : nil }
    var remaining: ArraySlice<Batch> { batches.dropFirst(passed) }

    /// Nodes whose turn comes after the next batch.
    var later: [NodeName] { remaining.dropFirst().flatMap(\.nodes) }

    /// Where the next batch stands in the whole, for a person.
    var position: String { "batch \(passed + 1) of \(batches.count)" }

    mutating func leave(_ node: NodeName) { failed.append(node) }
    mutating func pass() { passed += 1 }
    mutating func promote() { isPromoted = true }

    /// Whether the rest of it touches none that serves before these have their turn. Those that it
    /// has left behind have had theirs.
    fileprivate func mendsFirst(_ torn: Set<NodeName>) -> Bool {
        let mending = remaining.prefix { $0.isNew || torn.isSuperset(of: $0.nodes) }
        let turn = remaining.prefix(mending.count + 1).flatMap(\.nodes)
        return torn.subtracting(failed).isSubset(of: turn)
    }
}

extension BatchPlan {
    /// What a plan leads to.
    private struct End: Encodable {
        let settings: RolloutSection
        let nodes: [NodeName: [String]]
    }

    /// The plan that is under way to where `wishes` lead, else a new one; it is a new one too if a
    /// node is torn by now that the rest of the plan does not touch, or only after one that serves.
    static func current(
        of role: MicroK8sSpec.Role, for wishes: [Wish], settings: RolloutSection, _ store: Store
    ) throws -> BatchPlan {
        let nodes = wishes.map { ($0.spec.node, [$0.instanceID, $0.spec.digest.rawValue]) }
        let id = try Hash.digest(
            of: End(settings: settings, nodes: Dictionary(uniqueKeysWithValues: nodes)))
        let torn = Set(wishes.filter { $0.standing == .torn }.map(\.spec.node))
        if let found = try store.get(BatchPlan.self, .meta, key(role)), found.id == id,
            found.mendsFirst(torn)
        {
            return found
        }
        let standings = wishes.map { ($0.spec.node, $0.standing) }
        return BatchPlan(
            id: id,
            batches: Batches.make(
                Dictionary(uniqueKeysWithValues: standings), role: role, settings: settings))
    }

    /// Writes down how far it is, with the events that tell of it; nothing is kept of one that is
    /// through.
    func save(
        of role: MicroK8sSpec.Role, _ store: Store, with others: [Write] = [],
        telling events: [Event] = []
    ) throws {
        let write =
            next == nil
            ? Write.delete(.meta, Self.key(role))
            : Write.put(.meta, Self.key(role), try JSON.encode(self))
        if events.isEmpty {
            try store.commit([], others + [write])
        } else {
            try store.append(events, with: others + [write], when: [])
        }
    }

    static func forgetting(_ role: MicroK8sSpec.Role) -> Write { .delete(.meta, key(role)) }

    private static func key(_ role: MicroK8sSpec.Role) -> String { "batches/\(role.rawValue)" }
}

/// The last spec with which a node was seen right, and stable where it served before.
struct Settled: Codable, Hashable, Sendable {
    /// A machine made anew under the same name has not served yet.
    let instanceID: String
    /// Nil if it was never seen right, and may serve all the same: it obeyed what is not known
    /// here.
    let digest: Digest?

    static func read(_ node: NodeName, _ store: Store) throws -> Settled? {
        try store.get(Settled.self, .meta, key(node))
    }

    func write(_ node: NodeName) throws -> Write {
        .put(.meta, Self.key(node), try JSON.encode(self))
    }

    static func forgetting(_ node: NodeName) -> Write { .delete(.meta, key(node)) }

    private static func key(_ node: NodeName) -> String { "settled/\(node)" }
}

/// What is wanted of one node, and what it has.
struct Wish: Hashable, Sendable {
    let spec: NodeSpec
    /// The spec that it was given last; nil if there was none, or it is not known here any more.
    let saved: NodeSpec?
    /// Whether that is one of an earlier wish that it was never seen right with: nobody wants it
    /// any more.
    let isAbandoned: Bool
    let instanceID: String
    let standing: Batches.Standing
    /// The node says that every step of its saved spec is right, whether or not it was watched for
    /// long enough.
    let isRight: Bool
    /// It was seen right with the spec that is wanted, and somebody has changed it since.
    let hasDrifted: Bool

    /// `isDrifted`: the node says that somebody has changed a step; `isObeying`: that it had a spec
    /// when it connected.
    init(
        spec: NodeSpec, saved: NodeSpec?, instanceID: String, settled: Settled?, isRight: Bool,
        isDrifted: Bool, isObeying: Bool
    ) {
        self.spec = spec
        self.saved = saved
        self.instanceID = instanceID
        self.isRight = isRight
        isAbandoned =
            saved.map { $0.digest != settled?.digest && $0.digest != spec.digest } ?? false
        standing =
            switch settled {
            case let settled? where settled.instanceID == instanceID:
                if saved?.digest != settled.digest {
                    .torn
                } else if settled.digest == spec.digest {
                    isDrifted ? .torn : .done
                } else {
                    isRight ? .serving : .torn
                }
            // One that obeys what is not known here may well serve.
            default: saved == nil && isObeying ? .torn : .new
            }
        hasDrifted =
            standing == .torn && saved?.digest == spec.digest && settled?.digest == spec.digest
    }
}
