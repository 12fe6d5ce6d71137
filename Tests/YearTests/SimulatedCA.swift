import Crypto
import Foundation
import Model
import Outside
import Support
import Synchronization
import Trust

/// A certificate authority with the limits of a real one, in simulated time. It counts what it was
/// asked, what it gave and what it refused, and forgets nothing.
final class SimulatedCA: Sendable {
    /// How much is too much; what Let's Encrypt publishes.
    struct Limits: Sendable {
        var failuresPerHour = 5
        var duplicatesPerWeek = 5
        /// New names under one registered domain; renewals of the same name do not count.
        var namesPerWeek = 50
    }

    /// What one order came to.
    enum Answer: Sendable {
        case issued(chain: String)
        case refusedConnection
        case inTrouble
        case limited(retryAfter: Duration, detail: String)
        /// It asked the name on port 80 and got nothing.
        case unproven
    }

    /// Certificates that must go, told by renewal information and revoked at `deadline`.
    struct Revocation: Sendable {
        let announced: Date
        /// From the announcement on.
        let window: Duration
        let deadline: Date
        /// Which of all certificates, by their lot.
        let lots: Range<Double>

        func hits(_ record: Record) -> Bool {
            lots.contains(record.lot) && record.validity.contains(announced)
                && record.issued < announced
        }
    }

    /// One certificate.
    struct Record: Sendable {
        let issued: Date
        let validity: Range<Date>
        /// 0..<1, drawn when it was made.
        let lot: Double
    }

    /// What it knows of one registered domain. No other domain's orders change it, so that a year
    /// comes out the same in whatever order the clusters of many domains are looked at.
    private struct Ledger {
        let chance: SeededChance
        var records: [UInt64: Record] = [:]
        var failures: [DomainName: [Date]] = [:]
        var issues: [DomainName: [Date]] = [:]
        /// Times of first certificates.
        var names: [Date] = []
        var refusals: [Refusal] = []
        var downs: [Date] = []
    }

    /// An order over a limit.
    struct Refusal: Sendable {
        let domain: DomainName
        let at: Date
        let detail: String
    }

    let host: String
    var directory: String { "https://\(host)/directory" }
    let mint: Mint
    /// Nil if there are none, as at a company's own CA.
    private let limits: Limits?
    let hasRenewalInfo: Bool
    let outages: [Range<Date>]
    let revocations: [Revocation]
    private let seed: UInt64
    private let ledgers = Mutex<[Substring: Ledger]>([:])

    init(
        host: String, limits: Limits?, hasRenewalInfo: Bool = true, outages: [Range<Date>] = [],
        revocations: [Revocation] = [], start: Date, seed: UInt64
    ) throws {
        self.host = host
        self.hasRenewalInfo = hasRenewalInfo
        mint = try Mint(host, around: start, SeededChance(seed))
        self.limits = limits
        self.outages = outages
        self.revocations = revocations
        self.seed = seed
    }

    /// One order for one name, with all that belongs to it.
    func order(
        _ domain: DomainName, _ key: P256.Signing.PublicKey, lifetime: Duration,
        isReachable: Bool, at now: Date
    ) throws -> Answer {
        let issued: (serial: UInt64, validity: Range<Date>)
        switch judge(domain, lifetime, isReachable: isReachable, at: now) {
        case .refused(let answer): return answer
        case .granted(let serial, let validity): issued = (serial, validity)
        }
        return .issued(
            chain: try mint.chain(for: domain, key, serial: issued.serial, issued.validity))
    }

    private enum Verdict {
        case granted(serial: UInt64, Range<Date>)
        case refused(Answer)
    }

    private func judge(
        _ domain: DomainName, _ lifetime: Duration, isReachable: Bool, at now: Date
    ) -> Verdict {
        ledgers.withLock { ledgers in
            let name = Self.registered(domain)
            var ledger = ledgers[name] ?? Ledger(chance: SeededChance(seed ^ Self.number(name)))
            defer { ledgers[name] = ledger }
            if let number = outages.firstIndex(where: { $0.contains(now) }) {
                ledger.downs.append(now)
                return .refused(number.isMultiple(of: 2) ? .refusedConnection : .inTrouble)
            }
            if let (end, detail) = refusal(domain, ledger, now) {
                ledger.refusals.append(Refusal(domain: domain, at: now, detail: detail))
                return .refused(.limited(retryAfter: end - now, detail: detail))
            }
            guard isReachable else {
                ledger.failures[domain, default: []].append(now)
                return .refused(.unproven)
            }
            if ledger.issues[domain] == nil { ledger.names.append(now) }
            ledger.issues[domain, default: []].append(now)
            let from = now - .hours(1)
            let record = Record(
                issued: now, validity: from..<from + lifetime, lot: ledger.chance.fraction())
            let serial = UInt64(ledger.chance.fraction() * Double(UInt64.max / 2)) + 1
            ledger.records[serial] = record
            return .granted(serial: serial, record.validity)
        }
    }

    /// Until when `domain` may not order, and why.
    private func refusal(
        _ domain: DomainName, _ ledger: Ledger, _ now: Date
    ) -> (until: Date, detail: String)? {
        guard let limits else { return nil }
        func over(_ times: [Date]?, _ count: Int, within period: Duration) -> Date? {
            let recent = (times ?? []).suffix(count)
            guard recent.count == count, let first = recent.first else { return nil }
            return now < first + period ? first + period : nil
        }
        if let end = over(ledger.failures[domain], limits.failuresPerHour, within: .hours(1)) {
            return (end, "too many failed authorizations (\(limits.failuresPerHour)) for \(domain)")
        }
        if let end = over(ledger.issues[domain], limits.duplicatesPerWeek, within: .days(7)) {
            return (end, "too many certificates already issued for this exact set of identifiers")
        }
        if ledger.issues[domain] == nil,
            let end = over(ledger.names, limits.namesPerWeek, within: .days(7))
        {
            return (end, "too many certificates already issued for \(Self.registered(domain))")
        }
        return nil
    }

    /// The same number for the same name in every run (FNV-1a).
    private static func number(_ name: Substring) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The last two labels: no public suffix of these simulations has more.
    static func registered(_ domain: DomainName) -> Substring {
        let labels = domain.rawValue.split(separator: ".").suffix(2)
        return domain.rawValue[(labels.first?.startIndex ?? domain.rawValue.startIndex)...]
    }
}

extension SimulatedCA {
    /// When it wants a certificate replaced (RFC 9773), as Let's Encrypt computes it: around a
    /// third of the lifetime left, half for short ones; at once if it is to be revoked.
    func window(of record: Record, at now: Date) -> Range<Date> {
        if let revocation = revocations.last(where: { $0.announced <= now && $0.hits(record) }) {
            return revocation.announced..<revocation.announced + revocation.window
        }
        let lifetime = record.validity.length
        let left = lifetime < .days(10) ? lifetime / 2 : lifetime / 3
        let ideal = record.validity.upperBound - left
        return ideal - lifetime / 50..<ideal + lifetime / 50
    }

    func record(_ serial: UInt64, of domain: DomainName) -> Record? {
        ledgers.withLock { $0[Self.registered(domain)]?.records[serial] }
    }

    /// When `record` stops being good: its end, or its revocation.
    func end(of record: Record) -> Date {
        let revoked = revocations.filter { $0.hits(record) }.map(\.deadline)
        return revoked.reduce(record.validity.upperBound, min)
    }

    /// Times of all certificates.
    var issues: [Date] { all { $0.records.values.map(\.issued) }.sorted() }
    var refusals: [Refusal] { all(\.refusals) }
    /// Orders while it was down.
    var downs: [Date] { all(\.downs) }
    /// Times of failed authorizations, by name.
    var failures: [[Date]] { all { Array($0.failures.values) } }

    private func all<Value>(_ part: (Ledger) -> [Value]) -> [Value] {
        ledgers.withLock { Array($0.values) }.flatMap(part)
    }
}
