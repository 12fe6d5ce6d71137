import Model

/// What the coordinator remembers: JSON documents in named collections, changed only by atomic
/// commits that are on disk when they return.
///
/// The verbs map one to one onto etcd's (range, transaction, watch), so nothing above may assume
/// what lies below.
public final class Store: Sendable {
    /// Longest key and largest value, in bytes.
    public static let keyBytesMax = 512
    public static let valueBytesMax = 4 << 20

    private let engine: SQLiteEngine
    private let feed: Feed
    /// What every commit must find besides its own compares; nil for who writes under no lease.
    private let fence: Compare?

    private init(engine: SQLiteEngine, feed: Feed? = nil, fence: Compare? = nil) {
        self.engine = engine
        self.feed = feed ?? Feed { try engine.changes(after: $0) }
        self.fence = fence
    }

    /// Opens the file at `path`, and makes it if it is not there. Throws `failed` if it is damaged,
    /// `unsupported` if a newer Jeeves wrote it, `conflict` if it is no plain file.
    public static func open(path: String) throws -> Store {
        try Store(engine: SQLiteEngine(path: path))
    }

    /// Writes what is stored at one moment to a new file at `path`, while anybody goes on writing.
    /// Throws `conflict` if something lies there, as opening does.
    public func copy(to path: String) throws { try engine.copy(to: path) }

    /// The same store for the holder of `lease`: each of its commits fails with `locked`, and
    /// writes nothing, once a later term has begun.
    public func under(_ lease: Lease) -> Store {
        Store(engine: engine, feed: feed, fence: lease.fence)
    }

    /// Applies all `writes`, or none. Throws `conflict` naming the first document that is not as
    /// `compares` wants it, `invalid` for a key or value that is too large, `locked` if the lease
    /// that this store writes under is lost.
    @discardableResult
    public func commit(_ compares: [Compare], _ writes: [Write]) throws -> Revision {
        for write in writes { try Self.check(write) }
        // Publishing under the feed's lock keeps the order of changes that of the revisions.
        return try feed.publish {
            do {
                return try engine.commit((fence.map { [$0] } ?? []) + compares, writes)
            } catch let failure as Failure where failure.code == .conflict {
                throw try isFencedOff() ? Self.lost : failure
            }
        }
    }

    /// A fence that has moved once never moves back, so that asking after the refusal is sound.
    private func isFencedOff() throws -> Bool {
        guard let fence else { return false }
        return try engine.get(fence.collection, fence.key)?.revision != fence.revision
    }

    private static let lost = Failure(
        .locked, "saving: another coordinator has begun since, and only that one may write",
        fix: Failure.Fix.afterTheOther)

    public func get(_ collection: CollectionName, _ key: String) throws -> Document? {
        try engine.get(collection, key)
    }

    /// Documents whose key starts with `prefix`, in the order of their keys.
    public func list(_ collection: CollectionName, prefix: String = "") throws -> [Document] {
        try engine.list(collection, prefix: prefix)
    }

    /// The keys that start with `prefix`, in their order, without what lies there.
    public func keys(_ collection: CollectionName, prefix: String) throws -> [String] {
        try engine.keys(collection, prefix: prefix)
    }

    /// The revision of the last commit; 0 before the first.
    public func revision() throws -> Revision { try engine.revision() }

    /// Documents whose key is `start` or after it, in the order of their keys.
    func list(_ collection: CollectionName, from start: String) throws -> [Document] {
        try engine.list(collection, from: start)
    }

    /// Documents whose key is before `end`, in the order of their keys.
    func list(_ collection: CollectionName, before end: String) throws -> [Document] {
        try engine.list(collection, before: end)
    }

    /// The last document that `fits`; those before it are not read. `fits` may not use the store.
    func last(
        _ collection: CollectionName, where fits: (Document) throws -> Bool
    ) throws -> Document? { try engine.last(collection, where: fits) }

    /// The highest key of a collection that numbers its documents.
    func lastKey(_ collection: CollectionName) throws -> String? { try engine.lastKey(collection) }

    private static func check(_ write: Write) throws {
        let name = "\(write.collection.rawValue)/\(write.key.prefix(64))"
        guard (1...keyBytesMax).contains(write.key.utf8.count) else {
            throw Failure(.invalid, "saving \(name): a key has 1 to \(keyBytesMax) bytes")
        }
        guard write.value?.count ?? 0 <= valueBytesMax else {
            throw Failure(.invalid, "saving \(name): a value has at most \(valueBytesMax) bytes")
        }
    }
}

extension Store {
    /// What a watcher sees of one document.
    public struct Change: Hashable, Sendable {
        public let collection: CollectionName
        public let key: String
        /// Nil if it was deleted.
        public let value: [UInt8]?
        public let revision: Revision

        init(collection: CollectionName, key: String, value: [UInt8]?, revision: Revision) {
            self.collection = collection
            self.key = key
            self.value = value
            self.revision = revision
        }
    }

    /// Changes after `revision`, first what happened meanwhile (the last state of each document),
    /// then as they come through this store. What other processes commit comes with the next commit
    /// of this one, or with ``catchUp()``.
    ///
    /// A watcher that falls too far behind finds its stream ended, and watches again from the last
    /// revision it saw. Throws `notFound` if deletions since `revision` are forgotten already: list
    /// again, then watch from ``revision()``.
    public func watch(from revision: Revision) throws -> AsyncStream<Change> {
        try feed.subscribe(from: revision)
    }

    /// Hands what other processes have committed to those who watch.
    public func catchUp() { feed.catchUp() }
}

/// Documents as values.
extension Store {
    /// Nil if it is not there. Throws `invalid` if it cannot be read as `type`.
    public func get<Value: Decodable>(
        _ type: Value.Type, _ collection: CollectionName, _ key: String
    ) throws -> Value? {
        try get(collection, key).map {
            try JSON.decode(type, from: $0.value, what: "\(collection.rawValue)/\(key)")
        }
    }

    /// All values under `prefix`, in the order of their keys.
    public func list<Value: Decodable>(
        _ type: Value.Type, _ collection: CollectionName, prefix: String = ""
    ) throws -> [Value] {
        try list(collection, prefix: prefix).map {
            try JSON.decode(type, from: $0.value, what: "\(collection.rawValue)/\($0.key)")
        }
    }

    @discardableResult
    public func put(
        _ collection: CollectionName, _ key: String, _ value: some Encodable
    ) throws -> Revision {
        try commit([], [.put(collection, key, JSON.encode(value))])
    }

    /// Does nothing if it is not there.
    public func delete(_ collection: CollectionName, _ key: String) throws {
        try commit([], [.delete(collection, key)])
    }
}
