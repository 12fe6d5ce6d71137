import FoundationEssentials
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite struct RenewalTimeTests {
    /// What CAs give and have announced, and what a test CA gives.
    static let lifetimes: [Duration] =
        [90, 64, 45, 6].map { .seconds($0 * 86_400) } + [.seconds(600)]

    private let ca: LoopbackCA

    init() throws { ca = try LoopbackCA(now: FakeWorld.start) }

    private func certificate(_ lifetime: Duration) throws -> CertificateFacts {
        try CertificateFacts(
            pem: ca.issue(names: ["chat.example.test"], lifetime: lifetime).certificatePEM)
    }

    /// How much of the life is left at `date`.
    private func share(_ facts: CertificateFacts, _ date: Date) -> Double {
        facts.notAfter.timeIntervalSince(date) / facts.lifetime.seconds
    }

    /// The CA's word, in shares of the life that are left.
    private func advice(
        _ facts: CertificateFacts, _ start: Double, _ end: Double, heard: Double
    ) throws -> RenewalAdvice {
        func text(_ share: Double) -> String { facts.moment(left: share).formatted(.iso8601) }
        let json = #"{"suggestedWindow": {"start": "\#(text(start))", "end": "\#(text(end))"}}"#
        let now = facts.moment(left: heard)
        var advice = RenewalAdvice(of: facts, now: now)
        advice.hear(
            try RenewalInfo(HTTPResponse(status: 200, body: Array(json.utf8))), of: facts,
            now: now, retryAfter: nil)
        return advice
    }

    @Test(
        "without the CA's word it is when a third of the life is left, spread a little behind that",
        arguments: lifetimes)
    func ours(_ lifetime: Duration) throws {
        let shares = try (0..<40).map { _ in
            let facts = try certificate(lifetime)
            let time = RenewalTime(of: facts, advice: nil, now: facts.notBefore)
            // The same whenever it is asked: nothing has to be remembered.
            #expect(time == RenewalTime(of: facts, advice: nil, now: facts.notAfter))
            #expect(time.note.isEmpty)
            return share(facts, time.date)
        }
        #expect(shares.allSatisfy { (0.249...0.334).contains($0) })
        #expect(Set(shares).count > 30)
        let middle = shares.reduce(0, +) / Double(shares.count)
        #expect((0.275...0.308).contains(middle))
    }

    @Test(
        "the CA's window is obeyed, early and late, and the place in it stays",
        arguments: lifetimes)
    func window(_ lifetime: Duration) throws {
        let facts = try certificate(lifetime)
        let now = facts.moment(left: 0.89)
        for (start, end) in [(0.8, 0.75), (0.3, 0.2)] {
            let advice = try self.advice(facts, start, end, heard: 0.9)
            let time = RenewalTime(of: facts, advice: advice, now: now)
            #expect(((end - 0.01)...(start + 0.01)).contains(share(facts, time.date)))
            #expect(time.note == "when the CA suggests")
            #expect(time == RenewalTime(of: facts, advice: advice, now: now + 1))
        }
    }

    @Test("another window moves the time, and a word about another certificate is none")
    func another() throws {
        let facts = try certificate(.seconds(90 * 86_400))
        let now = facts.moment(left: 0.9)
        let sooner = try advice(facts, 0.8, 0.7, heard: 0.9)
        let early = RenewalTime(of: facts, advice: sooner, now: now)
        let late = RenewalTime(
            of: facts, advice: try advice(facts, 0.4, 0.3, heard: 0.9), now: now)
        #expect(early.date < late.date)
        let other = try certificate(.seconds(90 * 86_400))
        #expect(
            RenewalTime(of: other, advice: sooner, now: now)
                == RenewalTime(of: other, advice: nil, now: now))
    }

    @Test("a window that reaches to the end of life leaves time for a second try")
    func late() throws {
        for _ in 0..<20 {
            let facts = try certificate(.seconds(6 * 86_400))
            let advice = try self.advice(facts, 0.3, 0.01, heard: 0.9)
            let time = RenewalTime(of: facts, advice: advice, now: facts.notBefore)
            #expect(share(facts, time.date) >= 0.166)
        }
    }

    @Test("a stale word makes it earlier, never later", arguments: lifetimes)
    func stale(_ lifetime: Duration) throws {
        let facts = try certificate(lifetime)
        let ours = RenewalTime(of: facts, advice: nil, now: facts.notBefore).date
        let now = facts.moment(left: 0.35)
        let late = RenewalTime(
            of: facts, advice: try advice(facts, 0.22, 0.2, heard: 0.95), now: now)
        #expect(late.date == ours)
        let early = RenewalTime(
            of: facts, advice: try advice(facts, 0.8, 0.75, heard: 0.95), now: now)
        #expect(early.date < ours)
    }

    @Test("a window in the past makes it due at once, and so it stays", arguments: lifetimes)
    func urgent(_ lifetime: Duration) throws {
        let facts = try certificate(lifetime)
        let advice = try self.advice(facts, 0.99, 0.95, heard: 0.9)
        for left in [0.9, 0.5, 0.3] {
            let now = facts.moment(left: left)
            #expect(RenewalTime(of: facts, advice: advice, now: now).date < now)
        }
        let heard = RenewalTime(of: facts, advice: advice, now: facts.moment(left: 0.9))
        #expect(heard.note.hasPrefix("the CA wants it replaced at once"))
    }
}
