import FoundationEssentials
import Model
import Store

/// What one subject was, and from when on: a document for each change, bounded by count and age.
/// What changes too often is written down more rarely, so that a node that flaps leaves room for
/// what it was before.
struct StateHistory: Sendable {
    /// Changes of one subject that are kept.
    static let keptMax = 500
    /// What was replaced longer ago is dropped.
    static let keptFor = Duration.seconds(30 * 86_400)
    /// So many changes of an hour are written down as they come, later ones at these intervals.
    static let burstMax = 20
    static let dampedEvery = Duration.seconds(300)

    static let layers = "layers"
    static let nodes = "node/"

    /// A state, and when it began.
    struct Entry<State: Decodable & Sendable>: Sendable {
        let at: Date
        let state: State
    }

    /// `node/worker-1`, `layers`.
    let subject: String
    let store: Store

    static func of(_ node: NodeName, in store: Store) -> StateHistory {
        StateHistory(subject: nodes + node.rawValue, store: store)
    }

    /// What to commit so that `state` is what the subject is from now on; empty if it was so
    /// already. Nil if it has to wait: there were too many changes.
    func writes(of state: some Encodable, now: Date) throws -> [Write]? {
        let keys = try store.keys(.history, prefix: "\(subject)/")
        let value = try JSON.encode(state)
        let last = try keys.last.flatMap { try store.get(.history, $0) }
        guard last?.value != value else { return [] }
        func isSince(_ age: Duration) -> (String) -> Bool {
            let start = key(now - age.seconds)
            return { $0 > start }
        }
        let isDamped = keys.count(where: isSince(.seconds(3600))) >= Self.burstMax
        if isDamped, keys.last.map(isSince(Self.dampedEvery)) == true { return nil }
        // The newest of those that are too old still tells what was so until the next one.
        let old = keys.count - keys.count(where: isSince(Self.keptFor)) - 1
        let dropped = keys.prefix(max(0, old, keys.count + 1 - Self.keptMax))
        // A clock that was set back does not put what is new before what is known.
        let put = Write.put(.history, max(key(now), keys.last ?? ""), value)
        return dropped.map { .delete(.history, $0) } + [put]
    }

    /// Keys sort as the times that they end in.
    private func key(_ time: Date) -> String { "\(subject)/\(time.formatted(.iso8601))" }

    /// All that is kept below `prefix`, by subject, the oldest first.
    static func all<State: Decodable & Sendable>(
        _ type: State.Type, below prefix: String, in store: Store
    ) throws -> [String: [Entry<State>]] {
        var found: [String: [Entry<State>]] = [:]
        for document in try store.list(.history, prefix: prefix) {
            guard let (subject, entry) = try read(type, document) else { continue }
            found[subject, default: []].append(entry)
        }
        return found
    }

    /// Since when a part of the state has been `value`; nil if it is not so in the last entry.
    func since<State: Decodable & Sendable, Part: Equatable>(
        _ value: Part, _ part: (State) -> Part?
    ) throws -> Date? {
        var since: Date?
        // Most often few of the newest tell it.
        for document in try store.list(.history, prefix: "\(subject)/").reversed() {
            guard let (_, entry) = try Self.read(State.self, document) else { continue }
            guard part(entry.state) == value else { break }
            since = entry.at
        }
        return since
    }

    /// Nil of what is no entry.
    private static func read<State: Decodable & Sendable>(
        _ type: State.Type, _ document: Document
    ) throws -> (subject: String, entry: Entry<State>)? {
        guard let slash = document.key.lastIndex(of: "/"),
            let at = try? Date(
                String(document.key[document.key.index(after: slash)...]), strategy: .iso8601)
        else { return nil }
        let state = try JSON.decode(type, from: document.value, what: "history/\(document.key)")
        return (String(document.key[..<slash]), Entry(at: at, state: state))
    }
}

extension BidirectionalCollection {
    /// Since when a part of the last state was as it is there; nil without any state.
    func since<State: Decodable & Sendable, Part: Equatable>(
        _ part: (State) -> Part
    ) -> Date? where Element == StateHistory.Entry<State> {
        guard let last = last.map({ part($0.state) }) else { return nil }
        return reversed().prefix { part($0.state) == last }.last?.at
    }
}
