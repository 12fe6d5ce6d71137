import FoundationEssentials
import Model

/// The newest events, numbered in the order they came; older ones are dropped.
extension Store {
    public static let eventsMax = 10_000

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
            Array(events.dropFirst(known)), with: [.put(.meta, key, JSON.encode(end))],
            when: [])
    }

    /// Appends all of `events` in one commit with what they tell of. Without events it does
    /// nothing. Throws `conflict` if something is not as `compares` wants it.
    public func append(
        _ events: [Event], with others: [Write], when compares: [Compare]
    ) throws {
        guard !events.isEmpty else { return }
        try retrying {
            let first = try nextNumber(in: .events)
            let kept = events.suffix(Self.eventsMax)
            let puts = try kept.enumerated().map { offset, event in
                Write.put(.events, Numbered.key(first + UInt64(offset)), try JSON.encode(event))
            }
            // Numbers are given without a gap, so those that fall out are known.
            func oldest(before next: UInt64) -> UInt64 {
                Numbered.first(of: Self.eventsMax, before: next)
            }
            let dropped = oldest(before: first)..<oldest(before: first + UInt64(kept.count))
            let writes = others + puts + dropped.map { .delete(.events, Numbered.key($0)) }
            try commit(compares + [Compare(.events, Numbered.key(first), at: nil)], writes)
        }
    }

    /// The last `count` events, oldest first.
    public func events(last count: Int) throws -> [Event] {
        let first = Numbered.first(of: max(0, count), before: try nextNumber(in: .events))
        return try list(.events, from: Numbered.key(first)).map {
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
