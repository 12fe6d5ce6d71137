import FoundationEssentials

/// The edge's certificate in the one line of a step's detail: written by the agent, and read again
/// by whoever needs its parts.
public struct ServedCertificate: Codable, Hashable, Sendable {
    /// Lower-case hexadecimal.
    public let serial: String
    public let notAfter: Date
    /// From when the agent renews it.
    public let renewsFrom: Date
    /// Nil if an agent wrote the line that did not say it yet.
    public let notBefore: Date?
    /// Who says so, or what is wrong with asking; empty for the ordinary.
    public let note: String

    public init(
        serial: String, notAfter: Date, renewsFrom: Date, notBefore: Date? = nil,
        note: String = ""
    ) {
        self.serial = serial
        self.notAfter = notAfter
        self.renewsFrom = renewsFrom
        self.notBefore = notBefore
        self.note = note
    }
}

extension ServedCertificate {
    /// How near a certificate is to its end: by what is left of its lifetime, never by how often
    /// a renewal failed, so that it means the same for 90 days and for ten minutes.
    public enum Alert: String, Codable, Hashable, Sendable {
        /// It is not to be renewed yet.
        case quiet = "none"
        /// Its renewal may begin.
        case due
        /// Less than a quarter is left: it should have been renewed.
        case warning
        /// Less than an eighth is left.
        case critical
        case expired

        /// Whether somebody should look at it.
        public var isTrouble: Bool {
            switch self {
            case .quiet, .due: false
            case .warning, .critical, .expired: true
            }
        }
    }

    /// Part of its lifetime that is left, from 1 to 0; nil without `notBefore`.
    public func left(now: Date) -> Double? {
        guard let notBefore, notBefore < notAfter else { return nil }
        let lifetime = notAfter.timeIntervalSince(notBefore)
        return min(1, max(0, notAfter.timeIntervalSince(now) / lifetime))
    }

    /// Without `notBefore` the lifetime is unknown, and nothing is between due and expired.
    public func alert(now: Date) -> Alert {
        let left = notAfter.timeIntervalSince(now)
        guard left > 0 else { return .expired }
        if let notBefore {
            let lifetime = notAfter.timeIntervalSince(notBefore)
            if left < lifetime / 8 { return .critical }
            if left < lifetime / 4 { return .warning }
        }
        return now < renewsFrom ? .quiet : .due
    }
}

extension ServedCertificate: LosslessStringConvertible {
    /// After the words that every line has, so that an older reader takes it for the note.
    private static let beginning = "since "
    private static let words = ["serial ", "until ", "renews from "]

    public var description: String {
        let values = [serial, notAfter.formatted(.iso8601), renewsFrom.formatted(.iso8601)]
        let since = notBefore.map { [Self.beginning + $0.formatted(.iso8601)] } ?? []
        let parts = zip(Self.words, values).map { $0 + $1 } + since + (note.isEmpty ? [] : [note])
        return parts.joined(separator: ", ")
    }

    /// Nil if it is not such a line.
    public init?(_ description: String) {
        let parts = description.split(separator: ", ", maxSplits: Self.words.count)
        guard parts.count >= Self.words.count,
            zip(parts, Self.words).allSatisfy({ $0.hasPrefix($1) })
        else { return nil }
        let values = zip(parts, Self.words).map { String($0.dropFirst($1.count)) }
        guard let notAfter = try? Date(values[1], strategy: .iso8601),
            let renewsFrom = try? Date(values[2], strategy: .iso8601)
        else { return nil }
        let rest = parts.dropFirst(Self.words.count).first.map(String.init) ?? ""
        let (notBefore, note) = Self.parted(rest)
        self.init(
            serial: values[0], notAfter: notAfter, renewsFrom: renewsFrom, notBefore: notBefore,
            note: note)
    }

    /// A rest that does not begin with a date is all note, as in the lines of older agents.
    private static func parted(_ rest: String) -> (notBefore: Date?, note: String) {
        let parts = rest.split(separator: ", ", maxSplits: 1)
        guard let first = parts.first, first.hasPrefix(beginning),
            let date = try? Date(String(first.dropFirst(beginning.count)), strategy: .iso8601)
        else { return (nil, rest) }
        return (date, parts.dropFirst().first.map(String.init) ?? "")
    }
}
