import FoundationEssentials
import Model
import Outside

/// One outside effect: written before it starts, completed after it ended.
public struct Intent: Codable, Hashable, Sendable {
    /// Its key in the ledger.
    public let id: String
    /// Stage or step that wants it.
    public let stage: String
    public let op: Op
    public let inputHash: Digest
    /// Counts from 1 for the same stage, op and inputs.
    public let attempt: Int
    /// The child program that does it, once it runs.
    public var child: ChildID?
    public let startedAt: Date
    public var endedAt: Date?
    /// How it ended, in one line.
    public var outcome: String?
}

/// Intents and results, so that whoever comes after a crash knows what may be half done.
public struct Ledger: Sendable {
    /// Ended intents that are kept: those among so many newest ones.
    public static let endedMax = 1_000
    /// Every intent before this one has ended. It is older than it could be, or missing, where an
    /// earlier version has written.
    private static let openFromKey = "intents-open-from"

    private let store: Store

    public init(_ store: Store) { self.store = store }

    /// Writes the intent down; it is on disk when this returns, and only then may the effect start.
    public func begin(_ stage: String, op: Op, inputs: Digest, now: Date) throws -> Intent {
        try store.retrying {
            // First of all: whoever begins another one after this takes our number.
            let number = try store.nextNumber(in: .intents)
            let intent = Intent(
                id: Numbered.key(number), stage: stage, op: op, inputHash: inputs,
                attempt: try lastAttempt(stage, op, inputs) + 1, startedAt: now)
            let openFrom = try open().first?.id ?? intent.id
            let oldest = Numbered.key(Numbered.first(of: Self.endedMax, before: number))
            let surplus = try store.list(.intents, before: oldest).filter {
                try Self.intent($0).endedAt != nil
            }
            try store.commit(
                [Compare(.intents, intent.id, at: nil)],
                [
                    .put(.intents, intent.id, JSON.encode(intent)),
                    .put(.meta, Self.openFromKey, JSON.encode(openFrom)),
                ] + surplus.map { .delete(.intents, $0.key) })
            return intent
        }
    }

    /// 0 if there was none.
    private func lastAttempt(_ stage: String, _ op: Op, _ inputs: Digest) throws -> Int {
        let last = try store.last(.intents) {
            let attempt = try Self.attempt($0)
            return attempt.stage == stage && attempt.op == op && attempt.inputHash == inputs
        }
        return try last.map(Self.attempt)?.attempt ?? 0
    }

    /// Notes which child does it. Throws `notFound` if there is no such intent.
    public func attach(_ child: ChildID, to intent: Intent) throws {
        try change(intent) { $0.child = child }
    }

    /// Closes the intent. Throws `notFound` if there is no such intent.
    public func end(_ intent: Intent, outcome: String, now: Date) throws {
        try change(intent) {
            $0.outcome = outcome
            $0.endedAt = now
        }
    }

    /// Intents without an end, oldest first: of one op, or all.
    public func open(op: Op? = nil) throws -> [Intent] {
        let start = try store.get(String.self, .meta, Self.openFromKey) ?? ""
        return try store.list(.intents, from: start).map(Self.intent).filter {
            $0.endedAt == nil && (op == nil || $0.op == op)
        }
    }

    /// Intents that began before `time` and have ended, oldest first.
    public func ended(before time: Date) throws -> [Intent] {
        try all().filter { $0.endedAt != nil && $0.startedAt < time }
    }

    /// Every intent that is kept, oldest first.
    public func all() throws -> [Intent] { try store.list(Intent.self, .intents) }

    /// All of an intent that counting attempts needs.
    private struct Attempt: Decodable {
        let stage: String
        let op: Op
        let inputHash: Digest
        let attempt: Int
    }

    private static func attempt(_ document: Document) throws -> Attempt {
        try JSON.decode(Attempt.self, from: document.value, what: "intents/\(document.key)")
    }

    private static func intent(_ document: Document) throws -> Intent {
        try JSON.decode(Intent.self, from: document.value, what: "intents/\(document.key)")
    }

    private func change(_ intent: Intent, _ edit: (inout Intent) -> Void) throws {
        try store.retrying {
            guard let found = try store.get(.intents, intent.id) else {
                throw Failure(
                    .notFound,
                    "noting the end of \(intent.op): its beginning is not in the state any more")
            }
            var now = try JSON.decode(Intent.self, from: found.value, what: "an intent")
            edit(&now)
            try store.commit(
                [Compare(.intents, intent.id, at: found.revision)],
                [.put(.intents, intent.id, JSON.encode(now))])
        }
    }
}
