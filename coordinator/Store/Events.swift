import Model

/// The newest events, numbered in the order they came; older ones are dropped.
extension Store {
    public static let eventsMax = 10_000

    /// Appends all of `events` in one commit.
    public func append(_ events: [Event]) throws {
        guard !events.isEmpty else { return }
        try retrying {
            let first = try nextNumber(in: .events)
            let kept = events.suffix(Self.eventsMax)
            let puts = try kept.enumerated().map { offset, event in
                Write.put(.events, Numbered.key(first + UInt64(offset)), try JSON.encode(event))
            }
            // Numbers are given without a gap, so those that fall out are known.
            let dropped = Self.floor(first)..<Self.floor(first + UInt64(kept.count))
            let writes = puts + dropped.map { .delete(.events, Numbered.key($0)) }
            try commit([Compare(.events, Numbered.key(first), at: nil)], writes)
        }
    }

    /// The last `count` events, oldest first.
    public func events(last count: Int) throws -> [Event] {
        let next = try nextNumber(in: .events)
        let first = next > UInt64(max(0, count)) ? next - UInt64(max(0, count)) : 1
        return try list(.events, from: Numbered.key(first)).map {
            try JSON.decode(Event.self, from: $0.value, what: "events/\($0.key)")
        }
    }

    /// The lowest number kept when `next` is the number of the next event.
    private static func floor(_ next: UInt64) -> UInt64 {
        next > UInt64(eventsMax) ? next - UInt64(eventsMax) : 1
    }
}

/// Keys that sort as the numbers they are.
enum Numbered {
    static func key(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits
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
