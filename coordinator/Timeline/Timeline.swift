import FoundationEssentials
import Model
import Outside
import Store

/// What is written down of the past: how the cluster was at one time, and what happened in its
/// order. Reads only, beside whoever writes; what it does not know it says.
public struct Timeline: Sendable {
    let store: Store

    public init(store: Store) { self.store = store }

    /// Throws `notFound` before `jeeves init`.
    public init(_ project: Project, world: World) throws {
        try project.requireState(world.files)
        store = try Store.open(path: project.store)
    }

    /// How the cluster was at `time`.
    public func at(_ time: Date) throws -> Moment {
        let rollouts = try Rollouts(store).all()
        let nodes = try StateHistory.all(
            NodeState.self, below: StateHistory.nodes, in: store)
        let layers =
            try StateHistory.all(
                [ClusterStatus.Layer].self, below: "\(StateHistory.layers)/", in: store)[
                StateHistory.layers] ?? []
        let desired = Self.desired(rollouts, at: time)
        var unknown: [String] = []
        if desired == nil {
            let first = rollouts.first(where: \.isCheckpoint)?.endedAt
            unknown.append(Self.silence("what was wanted", before: first))
        }
        for (subject, entries) in nodes.sorted(by: { $0.key < $1.key })
        where entries.first.map({ $0.at > time }) == true {
            unknown.append(Self.silence(subject, before: entries.first?.at))
        }
        if nodes.isEmpty { unknown.append(Self.silence("the nodes", before: nil)) }
        let seen = Self.seen(layers, by: time)
        if seen == nil { unknown.append(Self.silence("the layers", before: layers.first?.at)) }
        return Moment(
            at: time, desired: desired, attempted: Self.attempted(rollouts, at: time),
            nodes: try present(nodes, at: time), layers: seen, unknown: unknown)
    }

    private static func desired(_ rollouts: [Rollout], at time: Date) -> Moment.Desired? {
        let reached = rollouts.last { rollout in
            rollout.isCheckpoint && rollout.endedAt.map { $0 <= time } == true
        }
        guard let reached, let end = reached.endedAt, let goal = reached.goal else { return nil }
        return Moment.Desired(rollout: reached.id, reachedAt: end, cluster: goal.cluster)
    }

    private static func attempted(_ rollouts: [Rollout], at time: Date) -> Moment.Attempted? {
        let found = rollouts.last { rollout in
            rollout.startedAt <= time && rollout.endedAt.map { $0 > time } != false
        }
        guard let found else { return nil }
        let stage = found.stages.last { $0.startedAt <= time }
        return Moment.Attempted(
            rollout: found.id, startedAt: found.startedAt, undoes: found.goal?.undoes,
            stage: stage?.stage, stageSince: stage?.startedAt,
            ending: found.endedAt.map { _ in found.state }, endedAt: found.endedAt)
    }

    private static func seen(
        _ history: [StateHistory.Entry<[ClusterStatus.Layer]>], by time: Date
    ) -> Moment.Layers? {
        let known = history.prefix { $0.at <= time }
        return known.last.map { last in
            let names = last.state.map(\.name)
            let since = names.map { name in
                (name, known.since { layers in layers.first { $0.name == name }?.state })
            }
            return Moment.Layers(
                since: last.at, layers: last.state,
                layersSince: Dictionary(since, uniquingKeysWith: { $1 }).compactMapValues(\.self))
        }
    }

    /// The nodes that had reported and had not left since.
    private func present(
        _ histories: [String: [StateHistory.Entry<NodeState>]], at time: Date
    ) throws -> [Moment.Node] {
        let departures = try Departures(store).all().filter { $0.at <= time }
        return histories.compactMap { subject, entries in
            let known = entries.prefix { $0.at <= time }
            guard
                let name = NodeName(rawValue: String(subject.dropFirst(StateHistory.nodes.count))),
                let last = known.last,
                !departures.contains(where: { $0.node == name && $0.at >= last.at })
            else { return nil }
            let since = last.state.steps.map { step in
                (step.id, known.since { state in state.steps.first { $0.id == step.id }?.state })
            }
            return Moment.Node(
                name: name, since: last.at, state: last.state,
                stepsSince: Dictionary(since, uniquingKeysWith: { $1 }).compactMapValues(\.self))
        }.sorted { $0.name < $1.name }
    }

    private static func silence(_ subject: String, before first: Date?) -> String {
        "\(subject): nothing was written down "
            + (first.map { "before \($0.formatted(.iso8601))" } ?? "yet")
    }
}
