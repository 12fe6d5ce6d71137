import FoundationEssentials
import Model

/// The right to be the one coordinator, until a point in time.
///
/// `term` grows with every new holder, so what an earlier holder still tries to write is refused:
/// it writes through ``Store/under(_:)``, whose commits carry ``fence``.
public struct Lease: Codable, Hashable, Sendable {
    public let term: UInt64
    /// Who holds it: user, host and process, for a person.
    public let holder: String
    public let since: Date
    public let until: Date
    /// Revision at which this term began.
    let began: Revision

    /// Holds as long as nobody began a later term.
    public var fence: Compare { Compare(.meta, Store.termKey, at: began) }

    public func isOver(at now: Date) -> Bool { until <= now }
}

extension Store {
    static let leaseKey = "lease"
    static let termKey = "lease-term"

    /// The lease as it stands, held or over; nil before the first one and after a release.
    public func lease() throws -> Lease? { try get(Lease.self, .meta, Self.leaseKey) }

    /// The lease that somebody holds at `now`; nil if nobody drives.
    public func lease(at now: Date) throws -> Lease? {
        try lease().flatMap { $0.isOver(at: now) ? nil : $0 }
    }

    /// Begins a new term. Throws `locked` with who holds the lease and since when, unless that
    /// one is over at `now`.
    public func acquireLease(holder: String, now: Date, ttl: Duration) throws -> Lease {
        // Its holder may give it back while we look: then we look again.
        try retrying {
            let term = try get(.meta, Self.termKey)
            let current = try get(.meta, Self.leaseKey)
            if let held = try lease(at: now) {
                throw Failure(
                    .locked,
                    "becoming the coordinator: \(held.holder) is it, since "
                        + "\(held.since.formatted(.iso8601))",
                    fix: "wait for it to end, or stop it; its claim ends by itself at "
                        + held.until.formatted(.iso8601) + "; `jeeves up --wait` begins then")
            }
            let last = try get(UInt64.self, .meta, Self.termKey) ?? 0
            let began = try commit(
                [
                    Compare(.meta, Self.termKey, at: term?.revision),
                    Compare(.meta, Self.leaseKey, at: current?.revision),
                ], [.put(.meta, Self.termKey, JSON.encode(last + 1))])
            let lease = Lease(
                term: last + 1, holder: holder, since: now, until: Self.end(now, ttl), began: began)
            return try save(lease)
        }
    }

    /// Prolongs the lease. Throws `conflict` if a later term has begun.
    public func renew(_ lease: Lease, now: Date, ttl: Duration) throws -> Lease {
        try save(
            Lease(
                term: lease.term, holder: lease.holder, since: lease.since,
                until: Self.end(now, ttl), began: lease.began))
    }

    /// Ends the lease early. Throws `conflict` if a later term has begun.
    public func release(_ lease: Lease) throws {
        try commit([lease.fence], [.delete(.meta, Self.leaseKey)])
    }

    private func save(_ lease: Lease) throws -> Lease {
        try commit([lease.fence], [.put(.meta, Self.leaseKey, JSON.encode(lease))])
        return lease
    }

    /// Whole seconds, rounded up: what is stored is then exactly what the holder believes.
    private static func end(_ now: Date, _ ttl: Duration) -> Date {
        let seconds = now.timeIntervalSince1970 + ttl / .seconds(1)
        return Date(timeIntervalSince1970: seconds.rounded(.up))
    }
}

/// The count of driving starts, which agents compare (``Fence``).
extension Store {
    private static let epochKey = "epoch"

    private struct Epoch: Codable {
        let epoch: UInt64
        let run: RunID
    }

    /// The epoch of the last driving start; 0 before the first.
    public func epoch() throws -> UInt64 {
        try get(Epoch.self, .meta, Self.epochKey)?.epoch ?? 0
    }

    /// Commits the next epoch. It is on disk when this returns, so no two runs ever share one.
    /// Throws `conflict` if another run did the same just now.
    public func beginEpoch(run: RunID) throws -> UInt64 {
        let revision = try get(.meta, Self.epochKey)?.revision
        let next = try epoch() + 1
        try commit([Compare(.meta, Self.epochKey, at: revision)], [epochWrite(next, run)])
        return next
    }

    /// Lets the next driving start begin after `epoch`, in one commit with what else follows from
    /// that. Throws `conflict` if another run began meanwhile.
    public func raiseEpoch(
        to epoch: UInt64, run: RunID, with others: [Write], _ event: Event
    ) throws {
        let revision = try get(.meta, Self.epochKey)?.revision
        try append(
            [event], with: others + [epochWrite(epoch, run)],
            when: [Compare(.meta, Self.epochKey, at: revision)])
    }

    private func epochWrite(_ epoch: UInt64, _ run: RunID) throws -> Write {
        .put(.meta, Self.epochKey, try JSON.encode(Epoch(epoch: epoch, run: run)))
    }
}
