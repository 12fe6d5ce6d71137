import FoundationEssentials
import Model
import Outside
import Support
import Testing

@testable import Agent

@Suite struct OrderBudgetTests {
    private let purpose = OrderBudget.Purpose(
        domain: DomainName(unchecked: "chat.example.test"), directory: LetsEncrypt.production)
    private let fake = FakeWorld()
    private let file = "/var/lib/jeeves/certificate.json"
    private let start = FakeWorld.start
    private let reason = Failure(.failed, "no")

    private func limits(days: Double = 90) -> OrderLimits {
        OrderLimits(directory: purpose.directory, lifetime: .seconds(days * 86_400))
    }

    private func mayTry(
        _ budget: OrderBudget, _ limits: OrderLimits, after seconds: Double, wished: Bool = false
    ) -> Bool {
        let now = start.addingTimeInterval(seconds)
        return (try? budget.requireTurn(for: purpose, limits: limits, wished: wished, now: now))
            != nil
    }

    @Test("of Let's Encrypt's five certificates a week four are used, and two of them by request")
    func duplicates() {
        var budget = OrderBudget()
        for number in 0..<4 {
            let day = Double(number) * 86_400
            #expect(mayTry(budget, limits(), after: day))
            #expect(mayTry(budget, limits(), after: day, wished: true) == (number < 2))
            budget.begin(purpose, now: start.addingTimeInterval(day))
            budget.issued()
        }
        #expect(!mayTry(budget, limits(), after: 4 * 86_400))
        #expect(mayTry(budget, limits(), after: 7 * 86_400))
    }

    @Test("what is left is what the tightest rule has room for")
    func left() {
        var budget = OrderBudget()
        func left(_ seconds: Double) -> Int {
            budget.left(
                for: purpose, limits: limits(), now: start.addingTimeInterval(seconds))
        }
        #expect(left(0) == 2, "an hour's")
        for number in 0..<4 {
            budget.begin(purpose, now: start.addingTimeInterval(Double(number) * 3600))
            budget.issued()
        }
        #expect(left(3 * 3600) == 0, "a week's")
        #expect(left(8 * 86_400) == 2)
    }

    @Test(
        "a day of failures has at most three an hour, also if the agent dies in each",
        arguments: [
            true, false,
        ])
    func failures(crashing: Bool) {
        var budget = OrderBudget()
        var tried: [Double] = []
        for minute in 0..<1440 where mayTry(budget, limits(), after: Double(minute) * 60) {
            let now = start.addingTimeInterval(Double(minute) * 60)
            tried.append(Double(minute) * 60)
            budget.begin(purpose, now: now)
            guard !crashing else { continue }
            budget.fail(
                purpose, reason, now: now, waitMax: OrderBudget.waitMin, chance: fake.chance)
        }
        for first in tried {
            #expect(tried.filter { $0 >= first && $0 < first + 3600 }.count <= 3)
        }
        #expect(tried.count > 3)
    }

    @Test("ten minutes of a private CA's certificate need nine an hour, and get them")
    func short() {
        let ours = OrderBudget.Purpose(domain: purpose.domain, directory: "https://ca.test/dir")
        let limits = OrderLimits(directory: ours.directory, lifetime: .seconds(600))
        var budget = OrderBudget()
        for number in 0..<1000 {
            let now = start.addingTimeInterval(Double(number) * 400)
            #expect(throws: Never.self) {
                try budget.requireTurn(for: ours, limits: limits, now: now)
            }
            budget.begin(ours, now: now)
            budget.issued()
        }
        #expect(budget.tries.count <= OrderBudget.triesMax)
    }

    @Test("going to another name and back gains nothing")
    func flipping() {
        var budget = OrderBudget()
        let other = OrderBudget.Purpose(
            domain: DomainName(unchecked: "b.example.test"), directory: purpose.directory)
        for _ in 0..<3 {
            budget.begin(purpose, now: start)
            budget.begin(other, now: start)
        }
        #expect(!mayTry(budget, limits(), after: 60))
    }

    @Test("Retry-After is obeyed, and a damaged file is a failed try of its time")
    func persistence() throws {
        var budget = OrderBudget()
        budget.begin(purpose, now: start)
        budget.fail(
            purpose, reason, now: start, retryAfter: .seconds(86_400),
            waitMax: .seconds(43_200), chance: fake.chance)
        fake.files.directory("/var/lib/jeeves", mode: 0o700)
        try budget.save(file, fake.world.files)
        let kept = try OrderBudget.read(file, for: purpose, fake.world.files)
        #expect(kept.trouble(for: purpose)?.failures == 1)
        #expect(!mayTry(kept, limits(), after: 86_000))

        fake.files[file] = #"{"purpose":"old","tries":[],"failures":0}"#
        let old = try OrderBudget.read(file, for: purpose, fake.world.files)
        #expect(!mayTry(old, limits(), after: 3500))
        #expect(mayTry(old, limits(), after: 3601))
    }
}
