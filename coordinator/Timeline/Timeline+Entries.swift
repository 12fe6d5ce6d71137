import FoundationEssentials
import Model
import Store

extension Timeline {
    /// One thing that happened.
    public struct Entry: Codable, Hashable, Sendable {
        public enum Source: String, Codable, Sendable { case rollout, node, layers, event }

        public let at: Date
        /// Where it is written down.
        public let source: Source
        /// As in events: `stage/provision`, `node/worker-1`.
        public let subject: String
        /// Who did it; empty if that is not written down.
        public let actor: String
        public let what: String
    }

    /// What happened since `start`, all or at one node, the newest last. What a rollout tells is
    /// not told by its events once more.
    public func entries(since start: Date? = nil, node: NodeName? = nil) throws -> [Entry] {
        let events = try store.events(from: 0).events
        let rollouts = try Rollouts(store).all()
        var found = try nodeEntries(of: node)
        let filter = EventFilter(node: node)
        if node == nil {
            found = rollouts.flatMap { Self.entries(of: $0, events) } + found
            found += try layerEntries()
        }
        found += events.filter { event in
            filter.admits(event) && !rollouts.contains { $0.tells(of: event) }
        }.map(Self.entry)
        // Of one second, the order of above.
        return found.filter { entry in start.map { entry.at >= $0 } ?? true }
            .enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }

    private static func entries(of rollout: Rollout, _ events: [Event]) -> [Entry] {
        let subject = "rollout/\(rollout.id)"
        let actor = events.first { $0.subject == subject && rollout.tells(of: $0) }?.actor ?? ""
        func entry(_ at: Date, _ subject: String, _ what: String) -> Entry {
            Entry(at: at, source: .rollout, subject: subject, actor: actor, what: what)
        }
        let undoes = rollout.goal?.undoes.map { ", undoes \($0)" } ?? ""
        var found = [entry(rollout.startedAt, subject, "began\(undoes)")]
        for stage in rollout.stages {
            let name = "stage/\(stage.stage.rawValue)"
            found.append(entry(stage.startedAt, name, "began"))
            guard let end = stage.endedAt else { continue }
            let what = "\(stage.state.rawValue): \(stage.failure?.message ?? stage.summary)"
            found.append(entry(end, name, what))
        }
        if let end = rollout.endedAt {
            found.append(entry(end, subject, rollout.state.rawValue))
        }
        return found
    }

    private func nodeEntries(of node: NodeName?) throws -> [Entry] {
        let prefix = StateHistory.nodes + (node.map { "\($0)/" } ?? "")
        let histories = try StateHistory.all(NodeState.self, below: prefix, in: store)
        return histories.sorted { $0.key < $1.key }.flatMap { subject, entries in
            zip(entries, [nil] + entries.map(\.state)).map { entry, before in
                Entry(
                    at: entry.at, source: .node, subject: subject,
                    actor: "agent/\(subject.dropFirst(StateHistory.nodes.count))",
                    what: entry.state.changes(since: before).joined(separator: "; "))
            }
        }
    }

    private func layerEntries() throws -> [Entry] {
        let histories = try StateHistory.all(
            [ClusterStatus.Layer].self, below: "\(StateHistory.layers)/", in: store)
        let entries = histories[StateHistory.layers] ?? []
        return zip(entries, [[]] + entries.map(\.state)).flatMap { entry, before in
            entry.state.filter { !before.contains($0) }.map {
                Entry(
                    at: entry.at, source: .layers, subject: "layer/\($0.name)", actor: "",
                    what: "\($0.state.rawValue): \($0.detail)")
            }
        }
    }

    private static func entry(_ event: Event) -> Entry {
        Entry(
            at: event.at, source: .event, subject: event.subject, actor: event.actor,
            what: event.outcome.rawValue + (event.detail.isEmpty ? "" : ": \(event.detail)"))
    }
}

extension Rollout {
    /// Whether an event only repeats what is kept here: that it, or a stage of it, began or ended.
    fileprivate func tells(of event: Event) -> Bool {
        if event.subject == "rollout/\(id)" {
            let isEdge = event.at == startedAt || event.at == endedAt
            return isEdge && event.cause == StageRun.cause(of: id)
        }
        return event.subject.hasPrefix("stage/") && event.cause == StageRun.cause(of: id)
    }
}
