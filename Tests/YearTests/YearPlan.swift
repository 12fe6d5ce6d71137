import Foundation
import Model
import Outside
import Support

/// What happens in one year to a hundred clusters, all drawn from one seed.
///
/// All are created on one day, which is the worst case for what comes after. No node ever hears of
/// its coordinator; for ninety days nobody asks it for anything either.
struct YearPlan {
    static let length = Duration.days(365)
    static let lifetimes: [(count: Int, lifetime: Duration)] = [
        (32, .days(90)), (28, .days(64)), (24, .days(45)), (12, .days(6)), (4, .days(1)),
    ]

    let start = FakeWorld.start
    let publicCA: SimulatedCA
    /// Gives certificates for a day, as companies' own do; no limits.
    let privateCA: SimulatedCA
    let nodes: [SimulatedNode]
    /// No coordinator reaches any node.
    let partition: Range<Date>

    init(seed: UInt64) throws {
        let chance = SeededChance(seed)
        let start = start
        partition = start + .days(120)..<start + .days(210)
        let outages = Self.outages(from: start, chance)
        publicCA = try SimulatedCA(
            host: "acme-v02.api.letsencrypt.org", limits: .init(), outages: outages,
            revocations: Self.revocations(from: start, around: outages, chance), start: start,
            seed: seed &+ 1)
        privateCA = try SimulatedCA(
            host: "ca.example.net", limits: nil, hasRenewalInfo: false, start: start,
            seed: seed &+ 2)
        let lifetimes = Self.lifetimes.flatMap { Array(repeating: $0.lifetime, count: $0.count) }
        var nodes: [SimulatedNode] = []
        for (number, lifetime) in lifetimes.enumerated() {
            let ca = lifetime < .days(2) ? privateCA : publicCA
            nodes.append(
                try SimulatedNode(
                    "chat.company\(number).example", lifetime: lifetime, ca: ca, start: start,
                    created: start + chance.jitter(.days(1)),
                    troubles: Self.troubles(
                        number, lifetime, from: start, sparing: ca,
                        partition: partition, chance),
                    seed: seed &+ 1000 &+ UInt64(number)))
        }
        self.nodes = nodes
    }

    /// One of two days, one of one, and eight of hours, at least two weeks apart.
    private static func outages(from start: Date, _ chance: SeededChance) -> [Range<Date>] {
        let lengths: [Duration] =
            [.days(2), .days(1)]
            + (0..<8).map { _ in chance.duration(.hours(1)...(.hours(12))) }
        let order = lengths.map { ($0, chance.fraction()) }.sorted { $0.1 < $1.1 }.map(\.0)
        return order.enumerated().map { number, length in
            let from = start + .days(20 + 34 * Double(number)) + chance.jitter(.days(15))
            return from..<from + length
        }
    }

    /// A third with five days' notice, and a seventh with a day's, both between two outages.
    private static func revocations(
        from start: Date, around outages: [Range<Date>], _ chance: SeededChance
    ) -> [SimulatedCA.Revocation] {
        zip([2, 6], [Duration.days(5), .days(1)]).map { number, notice in
            let announced = outages[number].upperBound + .days(5)
            return SimulatedCA.Revocation(
                announced: announced, window: notice * 0.8, deadline: announced + notice,
                lots: notice > .days(1) ? 0..<0.3 : 0.5..<0.65)
        }
    }

    private static func troubles(
        _ number: Int, _ lifetime: Duration, from start: Date, sparing ca: SimulatedCA,
        partition: Range<Date>, _ chance: SeededChance
    ) -> SimulatedNode.Troubles {
        var troubles = SimulatedNode.Troubles()
        troubles.kills = 0.05
        func span(_ length: Duration) -> Range<Date>? {
            let from = start + chance.duration(.days(10)...(.days(350)))
            let span = from..<from + length
            let near = span.widened(by: .days(2))
            // Two troubles at once can be more than the time that a certificate has left.
            let others = ca.outages + ca.revocations.map { $0.announced..<$0.deadline }
            return others.contains { $0.overlaps(near) } ? nil : span
        }
        if number.isMultiple(of: 3) {
            let longest = min(lifetime / 6, .days(3))
            troubles.closed = (0..<4).compactMap { _ in
                span(chance.duration(longest / 4...longest))
            }
        }
        if number.isMultiple(of: 7), lifetime > .days(2) {
            let errors = [Duration.days(365), .days(-365), .days(40), .days(-40)]
            let error = errors[number / 7 % errors.count]
            troubles.clockFaults = [span(chance.duration(.hours(1)...(.hours(24))))]
                .compactMap { $0.map { ($0, error) } }
        }
        if number.isMultiple(of: 5) {
            let date = start + chance.duration(.days(2)...(.days(350)))
            if !partition.contains(date) { troubles.wishes = [date] }
        }
        // Between two questions there are six hours; what else makes the agent ask may come first.
        troubles.news = ca.revocations.flatMap { revocation in
            let first = revocation.announced + chance.jitter(.hours(6))
            return [first, first + .hours(6.1)]
        }
        return troubles
    }
}
