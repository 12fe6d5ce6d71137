import ArgumentParser
import Model

/// A name that a person types. One without its form is wrong use, whatever the verb, and is
/// answered with the form and with what lists those that there are.
protocol TypedName: Name {
    /// `jeeves status --cached lists the nodes`; nil where nothing does.
    static var listed: String? { get }
}

extension TypedName {
    static var listed: String? { nil }

    /// For an option or an argument. Throws a `ValidationError`.
    static func typed(_ word: String) throws -> Self {
        guard let name = Self(rawValue: word) else {
            throw ValidationError(
                "a \(kind) is \(rule)\(listed.map { "; \($0)" } ?? "").")
        }
        return name
    }
}

extension ClusterID: TypedName {}

extension DomainName: TypedName {}

extension NodeName: TypedName {
    static var listed: String? { "`jeeves status --cached` lists the nodes" }
}

extension RunID: TypedName {
    static var listed: String? { "`jeeves rollout history` lists the rollouts" }
}

/// How long ago, as a person types it: `90s`, `15m`, `1h`, `2d`.
struct Age {
    private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let word: String
    let duration: Duration

    init?(_ word: String) {
        guard let unit = word.last.flatMap({ Self.units[$0] }),
            let count = Int(word.dropLast()), (1...100_000).contains(count)
        else { return nil }
        self.word = word
        duration = .seconds(count * unit)
    }

    /// For an option. Throws a `ValidationError` with the ways to write one.
    static func typed(_ word: String) throws -> Age {
        guard let age = Age(word) else {
            throw ValidationError(
                "an age is a number from 1 to 100000 with its unit: 90s, 15m, 1h or 2d.")
        }
        return age
    }
}
