import FoundationEssentials
import Model
import Store

/// The way back from one rollout to where an earlier one ended. It is a rollout like any other: its
/// stages lead to the earlier cluster file, and need no way of their own.
public struct Undo: Sendable {
    /// The rollout whose wish is taken back.
    public let undone: Rollout
    /// Where it leads.
    public let checkpoint: Rollout

    /// The way back to `named`, or to the newest other wish that was reached and is not held. An
    /// undo that was cut off goes on to the same end, also if that is named again.
    ///
    /// Throws `notFound` if there is nothing to go back to, `invalid` if `named` never got there.
    static func choose(_ named: RunID?, in rollouts: [Rollout], held: [Held]) throws -> Undo {
        let whole = rollouts.filter { $0.goal != nil }
        guard let last = whole.last, let wanted = last.goal else { throw none }
        let checkpoints = whole.filter(\.isCheckpoint)
        let begun = last.state == .done ? nil : whole.first { $0.id == wanted.undoes }
        if let named {
            guard let found = whole.first(where: { $0.id == named }) else {
                throw Failure(
                    .notFound, "undoing to \(named): no such rollout of the whole cluster is kept",
                    fix: "choose one that is `done` in `jeeves rollout history`")
            }
            guard found.isCheckpoint else {
                throw Failure(
                    .invalid, "undoing to \(named): it ended as \(found.state.rawValue)",
                    fix: "choose one that is `done` in `jeeves rollout history`")
            }
            // The last one is the undo itself then, and leads there already.
            let goesOn = found.goal?.cluster == wanted.cluster
            return Undo(undone: goesOn ? begun ?? last : last, checkpoint: found)
        }
        if let begun, let found = checkpoints.last(where: { $0.goal?.cluster == wanted.cluster }) {
            return Undo(undone: begun, checkpoint: found)
        }
        let bad = Set(held.filter { $0.stage == nil }.map(\.content))
        let found = try checkpoints.last { checkpoint in
            guard let cluster = checkpoint.goal?.cluster, cluster != wanted.cluster else {
                return false
            }
            return try !bad.contains(Plan.digest(of: cluster))
        }
        guard let found else { throw none }
        return Undo(undone: last, checkpoint: found)
    }

    private static let none = Failure(
        .notFound, "undoing: no earlier rollout reached another cluster file",
        fix: "change the cluster file and run `jeeves up`")

    /// The cluster file that it leads back to.
    public var cluster: ClusterSpec? { checkpoint.goal?.cluster }

    /// What the cluster file says otherwise, `key: now -> then`, in the order of the keys.
    public func differences() throws -> [String] {
        let (now, then) = (try Self.flat(undone.goal?.cluster), try Self.flat(cluster))
        return Set(now.keys).union(then.keys).sorted().compactMap { key in
            guard now[key] != then[key] else { return nil }
            return "\(key): \(now[key] ?? "nothing") -> \(then[key] ?? "nothing")"
        }
    }

    /// What going back does not bring back, a sentence each.
    public func losses() -> [String] {
        guard let now = undone.goal?.cluster, let then = cluster else { return [] }
        var found: [String] = []
        if now.app.version != then.app.version {
            found.append(
                "the database stays as Rocket.Chat \(now.app.version) left it, and "
                    + "\(then.app.version) may not start with it: have a backup of MongoDB ready")
        }
        if now.app.mongodb != then.app.mongodb {
            found.append("what was written to the present database is not in the earlier one")
        }
        if now.microk8s.channel != then.microk8s.channel {
            found.append(
                "Kubernetes' own data stays as \(now.microk8s.channel) left it; Kubernetes "
                    + "promises nothing about going back to \(then.microk8s.channel)")
        }
        let (workers, earlier) = (now.nodes.workers.count, then.nodes.workers.count)
        if workers > earlier {
            found.append("\(workers - earlier) workers go, with what is on their disks")
        } else if workers < earlier {
            found.append(
                "\(earlier - workers) workers come as new machines, without what was on their disks"
            )
        }
        let fewer = now.nodes.controllers.count - then.nodes.controllers.count
        if fewer > 0 {
            found.append(
                "it takes no controller away and stops there: \(fewer) have to be named in "
                    + "`jeeves up --replace`, with the earlier count in the cluster file")
        }
        if now.domain != then.domain {
            found.append("people may be led to the present name's address for its time to live")
        }
        return found
    }

    /// Remembers what is taken back: the cluster file, and what its stages made of it where the way
    /// leads to something else. `run` is for where it leads.
    func hold(in recipe: [any Stage], _ run: StageRun) throws {
        guard let cluster = undone.goal?.cluster else { return }
        var before = run
        before.cluster = cluster
        let (now, then) = (try before.contents(of: recipe), try run.contents(of: recipe))
        func held(_ stage: StageName?, _ content: Digest) -> Held {
            Held(
                stage: stage, content: content, rollout: undone.id, at: run.world.clock.now(),
                reason: "undone by \(run.actor)")
        }
        let stages = recipe.map(\.name).compactMap { stage in
            now[stage.rawValue].flatMap { $0 == then[stage.rawValue] ? nil : held(stage, $0) }
        }
        try HeldContents(store: run.store).add(
            stages + [held(nil, Plan.digest(of: cluster))],
            run.event("rollout/\(undone.id)", .started, "undoing to rollout \(checkpoint.id)"))
    }

    /// Every plain value of a cluster file, by its dotted key.
    private static func flat(_ cluster: ClusterSpec?) throws -> [String: String] {
        guard let cluster else { return [:] }
        return try JSON.decode(
            PlainValue.self, from: JSON.encode(cluster), what: "a cluster file"
        ).flat()
    }
}
