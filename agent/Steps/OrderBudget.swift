import FoundationEssentials
import Model
import Outside

/// When certbot may be tried next: kept on disk, so that no restart makes a tight loop of it.
///
/// At most two tries an hour, whatever came of them; after failures also a growing wait, and never
/// earlier than the CA asked for. Let's Encrypt allows five failures and a few orders.
struct OrderBudget: Codable, Hashable, Sendable {
    /// What the tries were for: another name or CA starts afresh.
    var purpose: String
    /// Times of the last tries, the newest last; at most two.
    var tries: [Date] = []
    var failures = 0
    var notBefore: Date?
    /// Why the last try failed.
    var reason: Failure?

    static let window = Duration.seconds(3600)
    static let triesMax = 2
    static let waitMin = Duration.seconds(120)
    static let waitMax = Duration.seconds(12 * 3600)

    init(purpose: String) { self.purpose = purpose }

    /// What is kept at `path` for that purpose; a fresh one if there is none or it is damaged.
    static func read(_ path: String, purpose: String, _ files: any Files) throws -> OrderBudget {
        guard let bytes = try files.readIfThere(path, bytesMax: 64 << 10),
            let kept = try? JSON.decode(OrderBudget.self, from: bytes, what: path),
            kept.purpose == purpose
        else { return OrderBudget(purpose: purpose) }
        return kept
    }

    func save(_ path: String, _ files: any Files) throws {
        try files.replace(
            path, with: JSON.encode(self), mode: 0o600, op: "certificate.budget")
    }

    /// Throws why the last try failed, and when the next may be, unless that is now. A clock that
    /// was set back does not lock us out for longer than the longest wait.
    func requireTurn(now: Date) throws {
        guard let turn, now < turn, turn.timeIntervalSince(now) <= Self.horizon else { return }
        let failure = reason ?? Failure(.unavailable, "asking for a certificate: two tries an hour")
        throw Failure(
            failure.code, "\(failure.message); next try at \(turn.formatted(.iso8601))",
            fix: failure.fix)
    }

    private static let horizon = 8 * 86_400.0

    private var turn: Date? {
        guard tries.count >= Self.triesMax, let oldest = tries.first else { return notBefore }
        let free = oldest.addingTimeInterval(Self.window.seconds)
        return max(free, notBefore ?? free)
    }

    /// Counts a try before it is made, so that a crash in it counts too.
    mutating func begin(now: Date) {
        tries = Array((tries + [now]).suffix(Self.triesMax))
    }

    /// Takes the last try back: certbot did not even start.
    mutating func withdraw() { tries = Array(tries.dropLast()) }

    mutating func succeed() { (failures, notBefore, reason) = (0, nil, nil) }

    mutating func fail(
        _ failure: Failure, now: Date, retryAfter: Duration?, chance: any Chance
    ) {
        let grown = min(Self.waitMax, Self.waitMin * (1 << (2 * min(failures, 6))))
        let wait = max(grown, retryAfter ?? .zero) + chance.jitter(grown / 4)
        failures += 1
        notBefore = now.addingTimeInterval(wait.seconds)
        reason = failure
    }
}
