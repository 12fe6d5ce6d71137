import Testing

/// One place that breaks a house rule, with what to do instead.
struct Finding: Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// A place where a rule may be broken, and why.
struct Exemption {
    let path: String
    let reason: String

    init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// Expects findings only where `exemptions` allow them, and each exemption to be needed still.
func expect(
    _ findings: [Finding], exempting exemptions: [Exemption] = [],
    at location: SourceLocation = #_sourceLocation
) {
    let allowed = Set(exemptions.map(\.path))
    let broken = findings.filter { !allowed.contains($0.path) }
    #expect(
        broken.isEmpty, Comment(rawValue: broken.map { "\n\($0)" }.joined()),
        sourceLocation: location)
    let needed = Set(findings.map(\.path))
    for exemption in exemptions where !needed.contains(exemption.path) {
        Issue.record("\(exemption.path) needs no exemption any more", sourceLocation: location)
    }
}
