import Foundation
import Logging
import Model
import Support
import Testing

/// The agent's certificate step through a simulated year. `JEEVES_SEED` in the environment makes it
/// another year.
@Suite struct YearTests {
    static let seed =
        ProcessInfo.processInfo.environment["JEEVES_SEED"].flatMap { UInt64($0) } ?? 1
    private let log = Logger(label: "year")

    @Test(
        "in a year of outages, revocations, faults and kills nothing lapses and no limit is met",
        arguments: [seed])
    func year(seed: UInt64) async throws {
        let plan = try YearPlan(seed: seed)
        let simulation = Simulation(plan.nodes, from: plan.start, for: YearPlan.length)
        let passes = await simulation.run()

        let cas = [plan.publicCA, plan.privateCA]
        let days = simulation.ordersByDay(at: cas)
        let mean = Double(days.reduce(0, +)) / Double(days.count)
        let busiest = days.max() ?? 0
        let failures = cas.flatMap(\.failures)
        let mostFailures = failures.map { $0.most(within: .hours(1)) }.max() ?? 0
        let lapses = simulation.lapses
        let refusals = plan.publicCA.refusals
        log.notice(
            "a year",
            metadata: [
                "seed": "\(seed)", "passes": "\(passes)",
                "orders": "\(cas.map(\.issues.count))", "mean day": "\(mean)",
                "busiest day": "\(busiest), number \((days.firstIndex(of: busiest) ?? 0) + 2)",
                "failures": "\(failures.map(\.count).reduce(0, +))",
                "most failures an hour": "\(mostFailures)",
                "orders in outages": "\(plan.publicCA.downs.count)",
                "refusals": "\(refusals.count)", "lapses": "\(lapses.count)",
            ])
        #expect(lapses == [])
        #expect(refusals.map { "\($0.domain) \($0.at): \($0.detail)" } == [])
        #expect(mostFailures <= 3)
        #expect(Double(busiest) <= 3 * mean)
        #expect(plan.nodes.flatMap(\.fake.surprises) == [])
    }
}
