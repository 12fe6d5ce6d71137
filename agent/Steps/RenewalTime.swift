import FoundationEssentials
import Model
import Tools
import Trust

/// When a certificate is renewed, and who says so. It knows shares of the measured lifetime and no
/// number of days, so certificates of 90 days and of 10 minutes need no setting.
///
/// Each certificate has a lot of its own that places it in the CA's window, or behind the moment
/// when a third of its life is left: clusters made in one hour do not renew in one hour. The lot
/// comes from the certificate, so nothing has to be remembered for the time to stay.
struct RenewalTime: Hashable, Sendable {
    let serial: String
    let date: Date
    /// What a person should know of it, in a few words; empty for the ordinary.
    let note: String

    /// Shares of the lifetime that are left: when the renewal is due without the CA's word, where
    /// the spread behind that ends, and when the CA's word counts no more, for a CA that is down
    /// for a while must not cost the certificate.
    static let dueLeft = 1.0 / 3
    static let spreadLeft = 1.0 / 4
    static let latestLeft = 1.0 / 6

    /// `advice` is what the CA said of that certificate; a stale one may only make it earlier.
    init(of facts: CertificateFacts, advice: RenewalAdvice?, now: Date) {
        serial = facts.serial
        let spread = Self.dueLeft - (Self.dueLeft - Self.spreadLeft) * facts.lot
        let ours = facts.moment(left: spread)
        guard let advice, advice.serial == facts.serial else {
            (date, note) = (ours, "")
            return
        }
        let trouble = advice.trouble.map { "the CA could not be asked: \($0)" } ?? ""
        guard let word = advice.word else {
            (date, note) = (ours, trouble)
            return
        }
        let theirs = word.window.moment(
            at: facts.lot, latest: facts.moment(left: Self.latestLeft))
        if now > word.goodUntil {
            (date, note) = (min(ours, theirs), trouble)
        } else if word.isUrgent {
            let why = word.explanation.map { ": \($0)" } ?? ""
            (date, note) = (theirs, "the CA wants it replaced at once\(why)")
        } else {
            (date, note) = (theirs, "when the CA suggests")
        }
    }
}

extension CertificateFacts {
    /// How long it is valid in all.
    var lifetime: Duration { .seconds(notAfter.timeIntervalSince(notBefore)) }

    /// When that share of its lifetime is left.
    func moment(left share: Double) -> Date {
        notAfter.addingTimeInterval(-lifetime.seconds * share)
    }

    /// Evenly spread over 0..<1 among certificates, and always the same for one.
    var lot: Double {
        let digits = 13
        let number = UInt64(sha256.rawValue.prefix(digits), radix: 16) ?? 0
        return Double(number) / Double(UInt64(1) << (4 * digits))
    }
}
