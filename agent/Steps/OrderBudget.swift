import FoundationEssentials
import Model
import Outside
import Tools

/// When certbot may be tried next: kept on disk and counted before each try, so that neither a
/// restart nor a crash makes a tight loop of it, and the agent refuses before the CA does.
///
/// After failures there is also a growing wait, and never a try earlier than the CA asked for.
struct OrderBudget: Codable, Hashable, Sendable {
    /// What a try is for.
    struct Purpose: Codable, Hashable, Sendable {
        let domain: DomainName
        let directory: String
    }

    /// `open` until certbot ended; for ever if nobody was there to see it, and then it counts as
    /// whatever is worse.
    enum Ending: String, Codable, Sendable { case open, failed, issued }

    struct Try: Codable, Hashable, Sendable {
        let at: Date
        let purpose: Purpose
        var ending: Ending
    }

    /// That the last try for one purpose failed.
    struct Trouble: Codable, Hashable, Sendable {
        let purpose: Purpose
        let at: Date
        /// In a row.
        let failures: Int
        let notBefore: Date
        let reason: Failure
        /// Nil if it was not certbot that failed.
        let kind: CertbotTrouble.Kind?
    }

    /// Missing in what agents before this form wrote, so that theirs is not taken for an empty one.
    private var form = 2
    /// The newest last. Tries for another name or CA stay, so that nobody gets more by going to and
    /// fro.
    private(set) var tries: [Try] = []
    private(set) var trouble: Trouble?

    static let waitMin = Duration.seconds(120)
    /// The longest window of any limit.
    static let kept = Duration.seconds(7 * 86_400)
    static let triesMax = 512
    private static let fileBytesMax = 512 << 10
    /// Nobody waits longer for a turn; a later one was written by a clock that was ahead.
    private static let horizon = Duration.seconds(8 * 86_400)

    /// What is kept at `path`; nothing if there is no file. One that is damaged, or of an older
    /// agent, counts as a try that failed when it was written.
    static func read(
        _ path: String, for purpose: Purpose, _ files: any Files
    ) throws -> OrderBudget {
        guard let info = try files.info(path) else { return OrderBudget() }
        do {
            return try JSON.decode(
                from: files.read(path, bytesMax: fileBytesMax), what: path)
        } catch let failure as Failure where failure.code == .invalid {
            var budget = OrderBudget()
            budget.begin(purpose, now: info.changedAt)
            budget.end(.failed)
            budget.trouble = Trouble(
                purpose: purpose, at: info.changedAt, failures: 1,
                notBefore: info.changedAt.addingTimeInterval(3600),
                reason: Failure(
                    .failed, "\(failure.message); it is taken for a failed try",
                    fix: "wait; it is tried again by itself"), kind: nil)
            return budget
        }
    }

    func save(_ path: String, _ files: any Files) throws {
        try files.replace(
            path, with: JSON.encode(self), mode: 0o600, op: "certificate.budget")
    }

    /// Why the last try for it failed; nil if none did since one succeeded.
    func trouble(for purpose: Purpose) -> Trouble? {
        trouble.flatMap { $0.purpose == purpose ? $0 : nil }
    }

    /// Throws why the last try failed, or what is spent, and when the next may be, unless that is
    /// now. `wished`: for a person, and not because it is due.
    func requireTurn(
        for purpose: Purpose, limits: OrderLimits, wished: Bool = false, now: Date
    ) throws {
        let trouble = trouble(for: purpose)
        var turns = [trouble.map { ($0.notBefore, $0.reason) }].compactMap(\.self)
        for rule in limits.rules {
            guard let free = turn(for: purpose, rule, wished: wished, now: now) else { continue }
            turns.append((free, trouble?.reason ?? rule.refusal(of: purpose, wished: wished)))
        }
        let last = turns.filter { $0.0.timeIntervalSince(now) <= Self.horizon.seconds }
            .max { $0.0 < $1.0 }
        guard let (turn, reason) = last, now < turn else { return }
        throw Failure(
            reason.code, "\(reason.message); next try at \(turn.formatted(.iso8601))",
            fix: reason.fix)
    }

    /// When there is room again in that rule; nil if there is now.
    private func turn(
        for purpose: Purpose, _ rule: OrderLimits.Rule, wished: Bool, now: Date
    ) -> Date? {
        let most = rule.most(wished: wished)
        let counted = counted(for: purpose, rule, now: now)
        guard counted.count >= most, let oldest = counted.suffix(most).first else { return nil }
        return oldest.at.addingTimeInterval(rule.window.seconds)
    }

    private func counted(for purpose: Purpose, _ rule: OrderLimits.Rule, now: Date) -> [Try] {
        let began = now.addingTimeInterval(-rule.window.seconds)
        return tries.filter {
            $0.at > began && $0.at.timeIntervalSince(now) < Self.horizon.seconds
                && $0.counts(for: purpose, rule)
        }
    }

    /// How many more tries every rule has room for now.
    func left(for purpose: Purpose, limits: OrderLimits, now: Date) -> Int {
        let rooms = limits.rules.map {
            max(0, $0.most(wished: false) - counted(for: purpose, $0, now: now).count)
        }
        return rooms.min() ?? 0
    }
}

extension OrderBudget.Try {
    fileprivate func counts(
        for purpose: OrderBudget.Purpose, _ rule: OrderLimits.Rule
    ) -> Bool {
        switch rule.scope {
        case .name: guard self.purpose == purpose else { return false }
        case .account: guard self.purpose.directory == purpose.directory else { return false }
        }
        return switch rule.counted {
        case .certificates: ending != .failed
        case .failures: ending != .issued
        case .orders: true
        }
    }
}

extension OrderBudget {
    /// Counts a try before it is made, so that a crash in it counts too.
    mutating func begin(_ purpose: Purpose, now: Date) {
        let old = now.addingTimeInterval(-Self.kept.seconds)
        let recent = tries.filter { $0.at > old }.suffix(Self.triesMax - 1)
        tries = recent + [Try(at: now, purpose: purpose, ending: .open)]
    }

    /// Takes the last try back: certbot did not even start.
    mutating func withdraw() { tries = tries.dropLast() }

    /// There is a certificate; whether it is any good is not said yet.
    mutating func issued() { end(.issued) }

    /// A rehearsal has ended: no certificate came of it, and no failure that counts.
    mutating func rehearsed() { withdraw() }

    /// The purpose is fulfilled.
    mutating func succeed() { trouble = nil }

    /// Waits longer after each failure in a row, up to `waitMax`, and as long as the CA asked for.
    mutating func fail(
        _ purpose: Purpose, _ failure: Failure, kind: CertbotTrouble.Kind? = nil, now: Date,
        retryAfter: Duration? = nil, waitMax: Duration, chance: any Chance
    ) {
        if tries.last?.ending == .open { end(.failed) }
        let failures = trouble(for: purpose)?.failures ?? 0
        let grown = min(waitMax, Self.waitMin * (1 << (2 * min(failures, 6))))
        let wait = max(grown, retryAfter ?? .zero) + chance.jitter(grown / 4)
        trouble = Trouble(
            purpose: purpose, at: now, failures: failures + 1,
            notBefore: now.addingTimeInterval(wait.seconds), reason: failure, kind: kind)
    }

    private mutating func end(_ ending: Ending) {
        guard let last = tries.indices.last else { return }
        tries[last].ending = ending
    }
}
