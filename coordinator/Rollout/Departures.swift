import FoundationEssentials
import Model
import Store

/// A node on its way out of the cluster, or the last one that went under its name.
struct Departure: Codable, Hashable, Sendable {
    enum Phase: String, Codable, Sendable {
        /// It is empty and must not come back, but its machine may still be there.
        case leaving
        /// Its machine is gone, and so is what was known of it.
        case gone
    }

    let node: NodeName
    /// A later machine under the same name is not meant.
    let instanceID: String
    let at: Date
    var phase: Phase
    /// The rollout that began it, or went on with it.
    var run: RunID
}

/// The nodes that go and went, so that whoever drives after a crash lets them go for good, and no
/// machine speaks for a node that is another machine by now.
struct Departures: Sendable {
    private static let prefix = "departure/"
    private let store: Store

    init(_ store: Store) { self.store = store }

    func all() throws -> [Departure] {
        try store.list(Departure.self, .meta, prefix: Self.prefix)
    }

    func last(of node: NodeName) throws -> Departure? {
        try store.get(Departure.self, .meta, Self.key(node))
    }

    /// Writes down that these go, and forgets what they should be and were, in one commit.
    func begin(_ departures: [Departure], _ events: [Event]) throws {
        guard !departures.isEmpty else { return }
        let writes = try departures.flatMap { departure in
            [try Self.put(departure)] + Self.forgetting(departure.node)
        }
        try store.append(events, with: writes, when: [])
    }

    /// Writes down that a machine is gone. Unless another one has its name by now, it forgets once
    /// more: what its agent said last may have come after the rest.
    func finish(_ departure: Departure, hasSuccessor: Bool, _ event: Event) throws {
        var departure = departure
        departure.phase = .gone
        let others = hasSuccessor ? [] : Self.forgetting(departure.node)
        try store.append([event], with: [try Self.put(departure)] + others, when: [])
    }

    /// Takes over what an earlier rollout did not bring to its end.
    func adopt(by run: RunID) throws {
        let writes = try all().filter { try isCutOff($0) }.map { departure in
            var departure = departure
            departure.run = run
            return try Self.put(departure)
        }
        if !writes.isEmpty { try store.commit([], writes) }
    }

    /// Whether a wish to replace a node was taken up by a rollout that did not come to its end, so
    /// that its repetition means the same wish.
    func isReplaced(_ node: NodeName) throws -> Bool {
        try last(of: node).map(isCutOff) ?? false
    }

    private func isCutOff(_ departure: Departure) throws -> Bool {
        let state = try Rollouts(store).find(departure.run)?.state
        return state.map { [.running, .paused, .interrupted].contains($0) } ?? false
    }

    /// What a node should be and was.
    static func forgetting(_ node: NodeName) -> [Write] {
        [
            .delete(.specs, node.rawValue), .delete(.statuses, node.rawValue),
            Settled.forgetting(node),
        ]
    }

    private static func put(_ departure: Departure) throws -> Write {
        .put(.meta, key(departure.node), try JSON.encode(departure))
    }

    private static func key(_ node: NodeName) -> String { "\(prefix)\(node)" }
}

/// Who may not speak for a node any more.
extension Departures {
    /// Throws `unauthorized` for a certificate of the machine that left. Certificates tell whole
    /// seconds, and in the one in which it left there was no other machine of that name.
    func admit(_ node: NodeName, issuedAt: Date) throws {
        guard let last = try last(of: node),
            issuedAt.timeIntervalSince1970 <= last.at.timeIntervalSince1970.rounded(.down)
        else { return }
        throw Failure(
            .unauthorized,
            "checking the peer: its machine was \(node) before, and has left the cluster for good")
    }

    /// Throws `unauthorized` for the machine that left, which would come back by a new proof.
    func admit(_ node: NodeName, instanceID: String) throws {
        guard try last(of: node)?.instanceID == instanceID else { return }
        throw Failure(
            .unauthorized, "enrolling \(node): \(instanceID) has left the cluster for good")
    }
}
