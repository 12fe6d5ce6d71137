import FoundationEssentials
import Model
import Outside
import Store

/// Where a person asks about rollouts and tells the one that runs what to do, beside whoever
/// drives. Never drives itself, and needs no lease.
public struct RolloutDesk: Sendable {
    static let lookEvery = Duration.milliseconds(500)

    private let store: Store
    private let world: World

    /// Throws `notFound` before `jeeves init`.
    public init(_ project: Project, world: World) throws {
        try project.requireState(world.files)
        self.init(store: try Store.open(path: project.store), world: world)
    }

    init(store: Store, world: World) {
        self.store = store
        self.world = world
    }

    public func status() throws -> RolloutStatus {
        let lease = try driver()
        return RolloutStatus(
            holder: lease?.holder, since: lease?.since, rollout: try Rollouts(store).last(),
            held: try HeldContents(store: store).all())
    }

    /// The newest `count` rollouts, the newest first.
    public func history(_ count: Int) throws -> [Rollout] {
        try Rollouts(store).all().suffix(max(0, count)).reversed()
    }

    /// A rollout, the last one if none is named. Throws `notFound` if it is not kept.
    public func find(_ id: RunID?) throws -> Rollout {
        let rollouts = Rollouts(store)
        if let found = try id.map(rollouts.find) ?? rollouts.last() { return found }
        throw Failure(
            .notFound, "looking for \(id.map { "rollout \($0)" } ?? "a rollout"): there is none",
            fix: id == nil ? "run `jeeves up`" : "look at `jeeves rollout history`")
    }

    /// The newest rollout that reached what it was to lead to, with what that was. Throws
    /// `notFound` before the first one has.
    public func reached() throws -> (rollout: Rollout, cluster: ClusterSpec) {
        guard let found = try Rollouts(store).lastCheckpoint(), let goal = found.goal else {
            throw Failure(
                .notFound, "looking for what was reached: no rollout has come to its end yet",
                fix: "run `jeeves up`")
        }
        return (found, goal.cluster)
    }

    /// The way back to `id`, or to the newest other wish that was reached.
    ///
    /// Throws `notFound` if there is nothing to go back to, `invalid` if `id` never got there.
    public func undo(to id: RunID?) throws -> Undo {
        try Undo.choose(
            id, in: Rollouts(store).all(), held: HeldContents(store: store).all())
    }

    /// A rollout with all that it did.
    public func record(_ id: RunID?) throws -> RolloutRecord {
        let rollout = try find(id)
        // Only one coordinator drives at a time: what began meanwhile was this one's.
        let end = rollout.endedAt ?? world.clock.now()
        let intents = try Ledger(store).all().filter {
            rollout.startedAt <= $0.startedAt && $0.startedAt <= end
        }
        let (cause, subject) = (StageRun.cause(of: rollout.id), "rollout/\(rollout.id)")
        let events = try store.events(from: 0).events.filter {
            $0.cause == cause || $0.subject == subject
        }
        return RolloutRecord(rollout: rollout, intents: intents, events: events)
    }

    /// Waits for a rollout's end; `heard` gets what happens from now on. Throws `unavailable` if
    /// the process that ran it has ended without a word.
    public func follow(
        _ id: RunID, _ heard: (RolloutProgress) -> Void
    ) async throws -> Rollout {
        var last: Rollout?
        var shown: [Activity] = []
        while true {
            // Asked first: who has ended had written the end before.
            let isDriven = try driver() != nil
            let now = try find(id)
            if last == nil { heard(.outline(try outlook(of: now))) }
            for word in now.news(since: last) { heard(word) }
            last = now
            let activities = try activities(in: now)
            for activity in activities where !shown.contains(activity) { heard(.doing(activity)) }
            shown = activities
            if now.endedAt != nil {
                heard(.closed(isDone: now.state == .done))
                return now
            }
            guard isDriven else {
                heard(.closed(isDone: false))
                throw Failure(
                    .unavailable, "watching rollout \(id): the process that ran it has ended",
                    fix: "run `jeeves up` to go on")
            }
            try await world.clock.sleep(Self.lookEvery, op: "rollout.watch")
        }
    }

    /// One without a goal leads the name alone.
    private func outlook(of rollout: Rollout) throws -> [StageOutlook] {
        StageOutlook.of(
            rollout.goal == nil ? Recipes.record : Recipes.install,
            after: try Rollouts(store).stages(besides: rollout.id))
    }

    /// What the nodes do that the running stage leads, as their agents said last.
    private func activities(in rollout: Rollout) throws -> [Activity] {
        guard let entry = rollout.stages.last, entry.endedAt == nil,
            let stage = [MicroK8sSpec.Role.controller, .worker].map(Convergence.init)
                .first(where: { $0.stage == entry.stage }),
            let infrastructure = try? StageRun.infrastructure(in: store)
        else { return [] }
        return try infrastructure.nodes(stage.role).compactMap { node in
            let status = try store.get(NodeStatus.self, .statuses, node.rawValue)
            return try store.get(NodeSpec.self, .specs, node.rawValue).map { Activity($0, status) }
        }
    }

    /// Ends as the `jeeves up` of that rollout did: throws its failure, `CancellationError` if it
    /// was interrupted.
    public func judge(_ rollout: Rollout) throws {
        switch rollout.state {
        case .done, .running, .paused: return
        case .failed:
            throw rollout.stages.last?.failure
                ?? Failure(.failed, "rollout \(rollout.id): it failed", fix: "run `jeeves up`")
        case .interrupted: throw CancellationError()
        case .aborted:
            let order = try Orders(store: store).current(for: rollout.id)
            throw rollout.abortion(by: order?.by ?? "somebody")
        }
    }

    private func driver() throws -> Lease? { try store.lease(at: world.clock.now()) }
}

/// Telling a rollout that runs in another process what to do.
extension RolloutDesk {
    public enum Answer: Sendable, Hashable {
        /// The rollout was told; it obeys within a second, or before its next stage.
        case told(RunID)
        /// There was nothing to tell, and why.
        case idle(String)
    }

    /// It rests before its next stage. Throws `unavailable` if no rollout runs.
    public func pause(_ id: RunID?, by actor: String) throws -> Answer {
        let (rollout, last) = try running(id, to: .pause)
        if last == .pause { return .idle("rollout \(rollout.id) was told to pause already") }
        return try give(.pause, to: rollout, by: actor)
    }

    /// It goes on. Throws `unavailable` if no rollout runs.
    public func resume(_ id: RunID?, by actor: String) throws -> Answer {
        let (rollout, last) = try running(id, to: .resume)
        guard last == .pause || last == .abort else {
            return .idle("rollout \(rollout.id) is not paused")
        }
        return try give(.resume, to: rollout, by: actor)
    }

    /// Its batch counts as stable once it is right, and one that waits for a person goes on. Throws
    /// `unavailable` if no rollout runs.
    public func promote(_ id: RunID?, by actor: String) throws -> Answer {
        try give(.promote, to: running(id, to: .promote).rollout, by: actor)
    }

    /// It ends after the effect in flight. A rollout that has ended is left as it is.
    public func abort(_ id: RunID?, by actor: String) throws -> Answer {
        let rollout = try find(id)
        guard rollout.endedAt == nil else {
            return .idle("rollout \(rollout.id) has ended (\(rollout.state.rawValue))")
        }
        guard try driver() != nil else {
            return .idle(
                "the process that ran rollout \(rollout.id) has ended; `jeeves up` goes on")
        }
        if try Orders(store: store).current(for: rollout.id)?.wish == .abort {
            return .told(rollout.id)
        }
        return try give(.abort, to: rollout, by: actor)
    }

    /// A rollout that runs, and what it was told last.
    private func running(
        _ id: RunID?, to wish: Order.Wish
    ) throws -> (rollout: Rollout, last: Order.Wish?) {
        let rollout = try find(id)
        guard rollout.endedAt == nil, try driver() != nil else {
            let why =
                rollout.endedAt == nil
                ? "the process that ran it has ended" : "it has ended (\(rollout.state.rawValue))"
            throw Failure(
                .unavailable, "telling rollout \(rollout.id) to \(wish): \(why)",
                fix: rollout.state == .done
                    ? "look at `jeeves rollout status`"
                    : "run `jeeves up`: it begins after what is done")
        }
        return (rollout, try Orders(store: store).current(for: rollout.id)?.wish)
    }

    private func give(_ wish: Order.Wish, to rollout: Rollout, by actor: String) throws -> Answer {
        try Orders(store: store).give(
            Order(rollout: rollout.id, wish: wish, by: actor), now: world.clock.now())
        return .told(rollout.id)
    }
}

/// What runs now, and who holds the place of the coordinator since when.
public struct RolloutStatus: Codable, Sendable {
    /// Nil if nobody drives.
    public let holder: String?
    public let since: Date?
    /// The last one, whether it runs or has ended; nil before the first.
    public let rollout: Rollout?
    /// Content that no rollout tries again until a person says so.
    public let held: [Held]
}

/// A rollout with what its programs did and what was written down of it.
public struct RolloutRecord: Codable, Sendable {
    public let rollout: Rollout
    public let intents: [Intent]
    public let events: [Event]
}

extension Rollout {
    /// What a person has not seen yet who saw `last`.
    fileprivate func news(since last: Rollout?) -> [RolloutProgress] {
        var news: [RolloutProgress] = []
        for (index, entry) in stages.enumerated() {
            let known = last.flatMap { $0.stages.count > index ? $0.stages[index] : nil }
            if known == nil { news.append(.started(entry.stage, at: entry.startedAt)) }
            if entry.endedAt != nil, known?.endedAt == nil { news.append(.ended(entry)) }
        }
        if state == .paused, last?.state != .paused {
            news.append(.line("paused; go on with `jeeves rollout resume`"))
        } else if state == .running, last?.state == .paused {
            news.append(.line("resumed"))
        }
        return news
    }
}
