import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// What the CA said of one certificate's renewal, and when it is asked next: kept on disk, so that
/// an agent that starts again neither forgets it nor asks too often.
struct RenewalAdvice: Codable, Hashable, Sendable {
    /// A window that was judged sane, and how long it is believed without another word.
    struct Word: Codable, Hashable, Sendable {
        let window: RenewalWindow
        let explanation: String?
        let goodUntil: Date
        /// It was over when it was heard: a mass revocation.
        let isUrgent: Bool
    }

    let serial: String
    private(set) var word: Word?
    private(set) var askAt: Date
    /// Why the last question brought nothing; nil if it did.
    private(set) var trouble: String?
    private var failures = 0

    /// Between two questions if the CA does not say (RFC 9773 §4.3.3), and a share of the lifetime
    /// for certificates that are short beside that.
    static let askMax = Duration.seconds(6 * 3600)
    static let askMin = Duration.seconds(60)
    static let asksPerLife = 24.0
    /// How much longer than until the next question an answer is believed.
    static let trustPerLife = 10.0

    /// Nothing was said yet: the CA is asked at once.
    init(of facts: CertificateFacts, now: Date) { (serial, askAt) = (facts.serial, now) }

    /// What is kept of that certificate; fresh if there is nothing, it is about another, or it is
    /// damaged.
    static func read(
        _ path: String, of facts: CertificateFacts, now: Date, _ files: any Files
    ) throws -> RenewalAdvice {
        guard let bytes = try files.readIfThere(path, bytesMax: 16 << 10),
            let kept = try? JSON.decode(RenewalAdvice.self, from: bytes, what: path),
            kept.serial == facts.serial
        else { return RenewalAdvice(of: facts, now: now) }
        return kept
    }

    func save(_ path: String, _ files: any Files) throws {
        try files.replace(path, with: JSON.encode(self), mode: 0o600, op: "certificate.advice")
    }

    /// Whether to ask now. A clock that was set back does not silence us for longer than a CA may.
    func isDue(now: Date) -> Bool {
        now >= askAt || askAt.timeIntervalSince(now) > 2 * RenewalInfo.retryMax.seconds
    }

    /// The CA answered; nil if it never says when to renew.
    mutating func hear(
        _ info: RenewalInfo?, of facts: CertificateFacts, now: Date, retryAfter: Duration?
    ) {
        let pause = retryAfter ?? Self.pause(facts)
        askAt = now.addingTimeInterval(pause.seconds)
        (failures, trouble) = (0, nil)
        word = info.map { info in
            Word(
                window: info.window, explanation: info.explanation,
                goodUntil: askAt.addingTimeInterval(facts.lifetime.seconds / Self.trustPerLife),
                isUrgent: info.window.end <= now)
        }
    }

    /// Nothing sane came. What was said before stays, until it is stale.
    mutating func fail(
        _ failure: Failure, of facts: CertificateFacts, now: Date, retryAfter: Duration?,
        chance: any Chance
    ) {
        let grown = min(Self.pause(facts), Self.askMin * (1 << min(failures, 10)))
        let pause = max(grown, retryAfter ?? .zero) + chance.jitter(grown / 4)
        askAt = now.addingTimeInterval(pause.seconds)
        failures += 1
        trouble = failure.message
    }

    private static func pause(_ facts: CertificateFacts) -> Duration {
        max(askMin, min(askMax, facts.lifetime / asksPerLife))
    }
}
