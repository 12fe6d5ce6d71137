import Foundation
import Support
import Testing

/// More names below one registered domain than the CA gives certificates for in a week.
@Suite struct SharedDomainTests {
    private static let week = Duration.days(7)

    @Test("of sixty clusters below one domain fifty are served at once and ten a week later")
    func scheduled() async throws {
        let start = FakeWorld.start
        let ca = try SimulatedCA(
            host: "acme-v02.api.letsencrypt.org", limits: .init(), start: start, seed: 1)
        let nodes = try (0..<60).map { number in
            try SimulatedNode(
                "chat\(number).company.example", lifetime: .days(90), ca: ca, start: start,
                created: start + .minutes(Double(number)), troubles: .init(),
                seed: UInt64(number))
        }
        let simulation = Simulation(nodes, from: start, for: .days(100))
        _ = await simulation.run()

        let first = nodes.compactMap { $0.haproxy.served.first?.from }
        #expect(first.count == 60)
        #expect(first.filter { $0 < start + .hours(2) }.count == 50)
        #expect(first.allSatisfy { $0 < start + .days(8) })
        // Nobody can know the limit of a domain that others use too. Told until when, they wait; a
        // week later room comes back as it went, one name a minute, so some are told again.
        let refusals = Dictionary(grouping: ca.refusals, by: \.domain).mapValues(\.count)
        #expect(refusals.count == 10)
        #expect(refusals.values.allSatisfy { $0 <= 4 })
        #expect(ca.refusals.allSatisfy { $0.at < start + .hours(1) || $0.at >= start + Self.week })
        #expect(ca.failures.isEmpty)
        // The renewals, which do not count, come in time.
        #expect(ca.issues.count == 120)
    }
}
