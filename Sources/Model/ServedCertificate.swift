import FoundationEssentials

/// The edge's certificate in the one line of a step's detail: written by the agent, and read again
/// by whoever needs its parts.
public struct ServedCertificate: Codable, Hashable, Sendable {
    /// Lower-case hexadecimal.
    public let serial: String
    public let notAfter: Date
    /// From when the agent renews it.
    public let renewsFrom: Date
    /// Who says so, or what is wrong with asking; empty for the ordinary.
    public let note: String

    public init(serial: String, notAfter: Date, renewsFrom: Date, note: String = "") {
        self.serial = serial
        self.notAfter = notAfter
        self.renewsFrom = renewsFrom
        self.note = note
    }
}

extension ServedCertificate: LosslessStringConvertible {
    private static let words = ["serial ", "until ", "renews from "]

    public var description: String {
        let values = [serial, notAfter.formatted(.iso8601), renewsFrom.formatted(.iso8601)]
        let parts = zip(Self.words, values).map { $0 + $1 } + (note.isEmpty ? [] : [note])
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
        let note = parts.dropFirst(Self.words.count).first.map(String.init) ?? ""
        self.init(serial: values[0], notAfter: notAfter, renewsFrom: renewsFrom, note: note)
    }
}
