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

extension Difference: CustomStringConvertible {
    public var description: String { "\(subject): \(found) -> \(wanted)" }
}
