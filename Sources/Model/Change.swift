/// One thing that a stage would change, for `jeeves plan`.
public struct Change: Codable, Hashable, Sendable {
    public enum Action: String, Codable, Sendable, CaseIterable {
        case create, update, replace, delete, run
    }

    /// What a change means for who uses the cluster, beyond what it changes.
    public enum Effect: String, Codable, Sendable, CaseIterable {
        /// A program reads its configuration again and keeps every connection.
        case reload
        /// Processes or pods are started anew.
        case restart
        /// The pods of a node move to others before.
        case drain
        /// No way leads back: what is lost is not made again by undoing.
        case irreversible
    }

    public let action: Action
    /// What changes: a Terraform address, `node/step`, a record.
    public let subject: String
    public let detail: String
    /// In the order of ``Effect``.
    public let effects: [Effect]
    /// The stage after which the change can be told; nil if it is told here.
    public let knownAfter: StageName?
    /// What changes line by line, as diff(1) `-u` writes hunks, without secrets; empty where there
    /// is no text to compare.
    public let diff: String
    /// For a person only, and may read otherwise a minute later: no part of a plan's digest.
    public let note: String

    public init(
        _ action: Action, _ subject: String, detail: String = "", effects: [Effect] = [],
        knownAfter: StageName? = nil, diff: String = "", note: String = ""
    ) {
        self.action = action
        self.subject = subject
        self.detail = detail
        self.effects = effects
        self.knownAfter = knownAfter
        self.diff = diff
        self.note = note
    }

    /// One that nobody can tell before `stage` has run.
    public static func unknown(_ subject: String, until stage: StageName) -> Change {
        Change(.run, subject, knownAfter: stage)
    }

    /// What is known of it, in words: `known after workers`, `1.34/stable -> 1.35/stable`.
    public var words: String {
        let known = knownAfter.map { "known after \($0.rawValue)" } ?? ""
        return [known, detail].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// Without what a digest must not hold.
    public var withoutNote: Change {
        Change(
            action, subject, detail: detail, effects: effects, knownAfter: knownAfter, diff: diff)
    }
}
