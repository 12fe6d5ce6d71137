/// What an agent does about a step that was right and that somebody has changed since.
public enum DriftPolicy: String, Hashable, Sendable, CaseIterable {
    /// Makes it right again, on the next pass.
    case repair
    /// Says so and changes nothing, until a person wants it right.
    case report
}

extension DriftPolicy: Codable {
    /// Throws `invalid` for any other word.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let policy = DriftPolicy(rawValue: text) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "no policy for drift",
                    underlyingError: Failure(
                        .invalid, "\"\(text.prefix(32))\" is neither `repair` nor `report`")))
        }
        self = policy
    }
}

/// How a step that was right differs now, where that is reported and not made right again. It is
/// bounded, because a status carries it every few seconds.
public struct Drift: Codable, Hashable, Sendable {
    static let whatScalarsMax = 500
    static let diffLinesMax = 100
    static let diffBytesMax = 16 << 10

    /// In one line.
    public let what: String
    /// From what is there to what is wanted, as ``UnifiedDiff`` writes it; empty for none.
    public let diff: String

    public init(_ found: Condition, diff: String = "") {
        what = found.text.prefix(scalars: Self.whatScalarsMax)
        let lines = diff.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        self.diff = UnifiedDiff.bounded(
            lines, linesMax: Self.diffLinesMax, bytesMax: Self.diffBytesMax)
    }
}
