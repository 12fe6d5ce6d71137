import Foundation
import Logging
import Model
import Store
import Support
import Testing

@testable import Coordinator

/// Random changes and random faults on clusters that serve, one cluster a core at once.
/// `JEEVES_SEED` plays one cluster's schedules again and tells them; `JEEVES_SCHEDULES` plays more
/// of them (`make nightly`).
///
/// A seed draws what is wanted and what goes wrong; the order of threads is the machine's.
@Suite struct HistoryTests {
    /// Schedules of one cluster, one after the other.
    private static let chain = 20
    private static let log = Logger(label: "history")
    private static let environment = ProcessInfo.processInfo.environment
    private static let schedules = environment["JEEVES_SCHEDULES"].flatMap { Int($0) } ?? 2_000
    private static let seeds: [UInt64] =
        environment["JEEVES_SEED"].flatMap { UInt64($0) }.map { [$0] }
        ?? (1...max(1, schedules / chain)).map { UInt64($0) }

    @Test("whatever goes wrong on the way, every change ends where it should and breaks no rule")
    func schedules() async throws {
        let start = ContinuousClock.now
        let found = try await withThrowingTaskGroup(of: [String].self) { group in
            var rest = Self.seeds[...]
            var found: [String] = []
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                if let seed = rest.popFirst() { group.addTask { try await play(seed) } }
            }
            while let one = try await group.next() {
                found += one
                if let seed = rest.popFirst() { group.addTask { try await play(seed) } }
            }
            return found
        }
        Self.log.notice(
            "schedules",
            metadata: [
                "schedules": "\(Self.seeds.count * Self.chain)", "broken": "\(found.count)",
                "took": "\(ContinuousClock.now - start)",
            ])
        #expect(found == [])
    }

    /// Tells what one cluster's schedules are, if only that one is played.
    private static func tell(_ what: String) {
        if seeds.count == 1 { log.notice("\(what)") }
    }

    /// What did not hold in one cluster's schedules.
    private func play(_ seed: UInt64) async throws -> [String] {
        var found: [String] = []
        try await withEstate { estate in
            let history = HistoryRun(estate, told: Self.tell)
            let chance = SeededChance(seed)
            try await history.install()
            for number in 1...Self.chain where found.isEmpty {
                let schedule = Schedule(chance)
                Self.tell("schedule \(number): \(schedule)")
                do { try await history.play(schedule) } catch {
                    found.append("it does not end: \(error)")
                }
                found = (found + history.violations).map {
                    "seed \(seed), schedule \(number): \($0)"
                }
            }
        }
        return found
    }
}
