import FoundationEssentials
import Model
import Store

/// The rollouts that are remembered: the newest ones, and what children did for them.
///
/// Every change is one commit, so a crash leaves either all of it or nothing.
struct Rollouts: Sendable {
    /// Ended rollouts that are kept.
    static let endedMax = 50
    private static let lastKey = "last-rollout"

    private let store: Store

    init(_ store: Store) { self.store = store }

    /// Writes down where a rollout is, with what has happened; it becomes the last one.
    func save(_ rollout: Rollout, _ events: [Event] = []) throws {
        try commit(writes(of: rollout), events)
    }

    private func commit(_ writes: [Write], _ events: [Event]) throws {
        if events.isEmpty {
            try store.commit([], writes)
        } else {
            try store.append(events, with: writes, when: [])
        }
    }

    /// Writes down how a rollout ended, and drops what is older than the newest ``endedMax``: never
    /// an intent that is open, because a child may still be at it.
    func end(
        _ rollout: inout Rollout, as state: Rollout.State, now: Date, _ events: [Event] = []
    ) throws {
        rollout.state = state
        rollout.endedAt = now
        let id = rollout.id
        let earlier = try heads().filter { $0.endedAt != nil && $0.id != id }
        let (dropped, kept) = (
            earlier.dropLast(Self.endedMax - 1), earlier.suffix(Self.endedMax - 1)
        )
        var writes = try writes(of: rollout)
        if !dropped.isEmpty, let oldest = kept.first {
            let intents = try Ledger(store).ended(before: oldest.startedAt)
            writes += dropped.map { .delete(.rollouts, $0.id.rawValue) }
            writes += intents.map { .delete(.intents, $0.id) }
        }
        try commit(writes, events)
    }

    /// Ends what coordinators that were killed have left running. Only for the holder of the lease:
    /// nobody else can be at it then.
    func closeLeftovers(now: Date, by actor: String = "coordinator") throws {
        let left = try open()
        let writes: [Write] = try left.map { found in
            var rollout = found
            if [.running, .paused].contains(rollout.state) { rollout.state = .interrupted }
            rollout.endedAt = now
            for index in rollout.stages.indices where rollout.stages[index].state == .running {
                rollout.stages[index].state = .interrupted
                rollout.stages[index].endedAt = now
            }
            return .put(.rollouts, rollout.id.rawValue, try JSON.encode(rollout))
        }
        let events = left.map {
            Event(
                at: now, actor: actor, subject: "rollout/\($0.id)",
                cause: "its coordinator was killed", outcome: .interrupted,
                detail: $0.stages.last.map { "in stage \($0.stage.rawValue)" } ?? "")
        }
        if !writes.isEmpty { try commit(writes, events) }
    }

    /// The newest rollout that reached what it was to lead to; nil before the first one has.
    func lastCheckpoint() throws -> Rollout? {
        try heads().last { $0.state == .done && $0.goal != nil }.flatMap { try find($0.id) }
    }

    /// The rollout that began last; nil before the first.
    func last() throws -> Rollout? {
        try store.get(String.self, .meta, Self.lastKey).flatMap {
            try store.get(Rollout.self, .rollouts, $0)
        }
    }

    func find(_ id: RunID) throws -> Rollout? {
        try store.get(Rollout.self, .rollouts, id.rawValue)
    }

    /// Every rollout that is kept, in the order of their epochs.
    func all() throws -> [Rollout] {
        try store.list(Rollout.self, .rollouts).sorted { $0.epoch < $1.epoch }
    }

    /// Those without an end, in the order of their epochs.
    func open() throws -> [Rollout] {
        try heads().filter { $0.endedAt == nil }.compactMap { try find($0.id) }
    }

    /// What became of stages in the rollouts that are kept, without those of `id`.
    func stages(besides id: RunID? = nil) throws -> [Rollout.Progress] {
        try store.list(Walk.self, .rollouts).filter { $0.id != id }.flatMap(\.stages)
    }

    /// All but the report of each stage, and whether there is a goal without what it is.
    private struct Head: Decodable {
        struct Goal: Decodable {}

        let id: RunID
        let epoch: UInt64
        let state: Rollout.State
        let startedAt: Date
        let endedAt: Date?
        let goal: Goal?
    }

    /// The reports only.
    private struct Walk: Decodable {
        let id: RunID
        let stages: [Rollout.Progress]
    }

    /// As ``all()``.
    private func heads() throws -> [Head] {
        try store.list(Head.self, .rollouts).sorted { $0.epoch < $1.epoch }
    }

    private func writes(of rollout: Rollout) throws -> [Write] {
        [
            .put(.rollouts, rollout.id.rawValue, try JSON.encode(rollout)),
            .put(.meta, Self.lastKey, try JSON.encode(rollout.id.rawValue)),
        ]
    }
}
