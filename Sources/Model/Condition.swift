/// What a step's check found.
public enum Condition: Codable, Hashable, Sendable {
    case missing
    case differs([Difference])
    case right
}

/// One thing that is not as wanted, for a plan and a log.
public struct Difference: Codable, Hashable, Sendable {
    /// What differs: a path, a package, a setting.
    public let subject: String
    public let found: String
    public let wanted: String

    public init(_ subject: String, found: String, wanted: String) {
        self.subject = subject
        self.found = found
        self.wanted = wanted
    }
}

extension Condition {
    /// Differences that are told; more are counted.
    private static let toldMax = 4

    /// In one line, for a person.
    public var text: String {
        switch self {
        case .missing: return "missing"
        case .right: return "there"
        case .differs(let differences):
            let more = differences.count - Self.toldMax
            return differences.prefix(Self.toldMax).map(\.description).joined(separator: "; ")
                + (more > 0 ? "; and \(more) more" : "")
        }
    }
}

extension Difference: CustomStringConvertible {
    public var description: String { "\(subject): \(found) -> \(wanted)" }
}
