import FoundationEssentials
import Model

/// The newest events, numbered in the order they came; older ones are dropped.
extension Store {
    public static let eventsMax = 10_000
    /// Of these at most so many of one node: one in other hands pushes out its own only.
    public static let eventsOfNodeMax = 1_000

    /// Appends all of `events` in one commit.
    public func append(_ events: [Event]) throws { try append(events, with: [], when: []) }

    /// Appends those of a node's events that it has not sent before: after a lost acknowledgement
    /// they come again. `first` is the number of the first one in the node's `spool`.
    public func append(
        _ events: [Event], of node: NodeName, spool: UUID, first: UInt64
    ) throws {
        let key = "events-seen/\(node)"
        let mark = try get(EventMark.self, .meta, key)
        let next = mark.flatMap { $0.spool == spool ? $0.next : nil } ?? first
        let known = next > first ? Int(min(next - first, UInt64(events.count))) : 0
        let end = EventMark(spool: spool, next: first + UInt64(events.count))
        try append(
            Array(events.dropFirst(known)), of: node, with: [.put(.meta, key, JSON.encode(end))])
    }

    /// Appends events that a node tells or brings about as often as it likes, in one commit with
    /// `others`. Its oldest make room for them.
    public func append(_ events: [Event], of node: NodeName, with others: [Write] = []) throws {
        let key = "events-of/\(node)"
        try append(events.suffix(Self.eventsOfNodeMax), when: []) { numbers in
            let all = (try get([UInt64].self, .meta, key) ?? []) + numbers
            let kept = Array(all.suffix(Self.eventsOfNodeMax))
            return (
                others + [.put(.meta, key, try JSON.encode(kept))],
                Set(all.dropLast(kept.count).map(Numbered.key))
            )
        }
    }

    /// Appends all of `events` in one commit with what they tell of. Without events it does
    /// nothing. Throws `conflict` if something is not as `compares` wants it.
    public func append(
        _ events: [Event], with others: [Write], when compares: [Compare]
    ) throws {
        try append(events[...], when: compares) { _ in (others, []) }
    }

    /// As above; `others`, and the keys of the events that these push out first, depend on the
    /// numbers that these get.
    private func append(
        _ events: ArraySlice<Event>, when compares: [Compare],
        with others: ([UInt64]) throws -> (writes: [Write], pushedOut: Set<String>)
    ) throws {
        guard !events.isEmpty else { return }
        try retrying {
            let first = try nextNumber(in: .events)
            let added = events.suffix(Self.eventsMax)
            let numbers = added.indices.map { first + UInt64($0 - added.startIndex) }
            let puts = try zip(numbers, added).map {
                Write.put(.events, Numbered.key($0), try JSON.encode($1))
            }
            let (writes, pushedOut) = try others(numbers)
            let old = try keys(.events, prefix: "")
            let rest = old.filter { !pushedOut.contains($0) }
            let excess = max(0, rest.count + puts.count - Self.eventsMax)
            let dropped = old.filter(pushedOut.contains) + rest.prefix(excess)
            try commit(
                compares + [Compare(.events, Numbered.key(first), at: nil)],
                writes + puts + dropped.map { .delete(.events, $0) })
        }
    }

    /// The last `count` events, oldest first.
    public func events(last count: Int) throws -> [Event] {
        guard let first = try keys(.events, prefix: "").suffix(max(0, count)).first else {
            return []
        }
        return try list(.events, from: first).map {
            try JSON.decode(Event.self, from: $0.value, what: "events/\($0.key)")
        }
    }

    /// The events that are kept from number `start` on, oldest first, and the number of the next.
    public func events(from start: UInt64) throws -> (events: [Event], next: UInt64) {
        let found = try list(.events, from: Numbered.key(start))
        let events = try found.map {
            try JSON.decode(Event.self, from: $0.value, what: "events/\($0.key)")
        }
        return (events, found.last.flatMap { UInt64($0.key) }.map { $0 + 1 } ?? start)
    }

    /// The number of the event that comes next.
    public func nextEvent() throws -> UInt64 { try nextNumber(in: .events) }
}

/// How far the events of one node's spool were kept.
private struct EventMark: Codable {
    let spool: UUID
    /// Number of the first event that was not seen yet.
    let next: UInt64
}

/// Keys that sort as the numbers they are, from 1 on.
enum Numbered {
    static func key(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }

    /// The lowest of the `count` numbers before `next`.
    static func first(of count: Int, before next: UInt64) -> UInt64 {
        next > UInt64(count) ? next - UInt64(count) : 1
    }
}

extension Store {
    /// One more than the highest key of `collection`, deleted ones included while remembered.
    func nextNumber(in collection: CollectionName) throws -> UInt64 {
        (try lastKey(collection).flatMap { UInt64($0) } ?? 0) + 1
    }

    /// Repeats `attempt` when somebody else took the number that it wanted; three times at most.
    func retrying<Value>(_ attempt: () throws -> Value) throws -> Value {
        for _ in 1..<3 {
            do { return try attempt() } catch let failure as Failure
                where failure.code == .conflict
            { continue }
        }
        return try attempt()
    }
}
