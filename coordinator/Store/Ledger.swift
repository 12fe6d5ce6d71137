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
    /// Ended intents that are kept.
    public static let endedMax = 1_000

    private let store: Store

    public init(_ store: Store) { self.store = store }

    /// Writes the intent down; it is on disk when this returns, and only then may the effect start.
    public func begin(_ stage: String, op: Op, inputs: Digest, now: Date) throws -> Intent {
        try store.retrying {
            let known = try store.list(.intents)
            let last = try Self.newest(of: known) {
                $0.stage == stage && $0.op == op && $0.inputHash == inputs
            }
            let intent = Intent(
                id: Numbered.key(try store.nextNumber(in: .intents)), stage: stage, op: op,
                inputHash: inputs, attempt: (last?.attempt ?? 0) + 1, startedAt: now)
            let ended =
                known.count > Self.endedMax
                ? try known.filter { try Self.head(of: $0).endedAt != nil } : []
            let surplus = ended.prefix(max(0, ended.count - Self.endedMax))
            try store.commit(
                [Compare(.intents, intent.id, at: nil)],
                [.put(.intents, intent.id, JSON.encode(intent))]
                    + surplus.map { .delete(.intents, $0.key) })
            return intent
        }
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
        try store.list(.intents).filter { document in
            let head = try Self.head(of: document)
            return head.endedAt == nil && (op == nil || head.op == op)
        }.map(Self.intent)
    }

    /// Intents that began before `time` and have ended, oldest first.
    public func ended(before time: Date) throws -> [Intent] {
        try all().filter { $0.endedAt != nil && $0.startedAt < time }
    }

    /// Every intent that is kept, oldest first.
    public func all() throws -> [Intent] { try store.list(Intent.self, .intents) }

    /// All that is read of most of them: they ended long ago.
    private struct Head: Decodable {
        let op: Op
        let endedAt: Date?
    }

    private static func head(of document: Document) throws -> Head {
        try JSON.decode(Head.self, from: document.value, what: "intents/\(document.key)")
    }

    private static func intent(_ document: Document) throws -> Intent {
        try JSON.decode(Intent.self, from: document.value, what: "intents/\(document.key)")
    }

    private static func newest(
        of documents: [Document], where fits: (Intent) -> Bool
    ) throws -> Intent? {
        for document in documents.reversed() {
            let intent = try intent(document)
            if fits(intent) { return intent }
        }
        return nil
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
