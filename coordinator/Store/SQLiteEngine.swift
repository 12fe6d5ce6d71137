import FoundationEssentials
import GRDB
import Glibc
import Model

/// Documents in one SQLite file: write-ahead log, a full sync at each commit, readable by its owner
/// only. The single place that knows SQL.
struct SQLiteEngine: Sendable {
    /// Deletions remembered for those who watch.
    static let tombstonesMax = 10_000

    private let queue: DatabaseQueue
    private let path: String

    init(path: String) throws {
        self.path = path
        try Self.makePrivate(path)
        do {
            try Self.inspect(path)
            queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            try Self.migrations.migrate(queue)
        } catch let error as DatabaseError {
            throw Self.failure(error, path)
        }
    }

    /// Looks at the file without writing to it: opening it for writing already changes it.
    private static func inspect(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        try DatabaseQueue(path: path, configuration: configuration).read { db in
            let verdict = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
            guard verdict == "ok" else { throw damaged(path, verdict ?? "no verdict") }
            guard try !migrations.hasBeenSuperseded(db) else {
                throw Failure(
                    .unsupported, "opening the state \(path): a newer Jeeves wrote it",
                    fix: "use that version of jeeves, or a newer one")
            }
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return configuration
    }

    private static var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("documents in named collections") { db in
            // A deleted document stays as a row without a value, so that watchers hear of it.
            try db.execute(
                sql: """
                    CREATE TABLE documents (
                        collection TEXT NOT NULL, key TEXT NOT NULL,
                        revision INTEGER NOT NULL, value BLOB,
                        PRIMARY KEY (collection, key)) WITHOUT ROWID;
                    CREATE INDEX documents_by_revision ON documents (revision);
                    CREATE INDEX tombstones ON documents (revision) WHERE value IS NULL;
                    CREATE TABLE forgotten (revision INTEGER NOT NULL);
                    INSERT INTO forgotten VALUES (0);
                    """)
        }
        return migrator
    }

    func get(_ collection: CollectionName, _ key: String) throws -> Document? {
        try asking { db in
            try Self.documents(db, "AND key = ?", [collection.rawValue, key]).next()
        }
    }

    func list(
        _ collection: CollectionName, prefix: String = "", from start: String = ""
    ) throws -> [Document] {
        try asking { db in
            try Array(
                Self.documents(
                    db, "AND key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key",
                    [collection.rawValue, max(prefix, start), prefix, prefix]))
        }
    }

    func keys(_ collection: CollectionName, prefix: String) throws -> [String] {
        try asking { db in
            try String.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT key FROM documents
                        WHERE collection = ? AND value IS NOT NULL
                          AND key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key
                        """), arguments: [collection.rawValue, prefix, prefix, prefix])
        }
    }

    func list(_ collection: CollectionName, before end: String) throws -> [Document] {
        try asking { db in
            try Array(
                Self.documents(db, "AND key < ? ORDER BY key", [collection.rawValue, end]))
        }
    }

    /// Reads backwards, and no further than to what it returns.
    func last(
        _ collection: CollectionName, where fits: (Document) throws -> Bool
    ) throws -> Document? {
        try asking { db in
            try Self.documents(db, "ORDER BY key DESC", [collection.rawValue]).first(where: fits)
        }
    }

    func lastKey(_ collection: CollectionName) throws -> String? {
        try asking { db in
            try String.fetchOne(
                db.cachedStatement(sql: "SELECT max(key) FROM documents WHERE collection = ?"),
                arguments: [collection.rawValue])
        }
    }

    /// A whole file, not a log: what was committed, and nothing that is under way.
    func copy(to path: String) throws {
        // SQLite takes an empty file for none, and would make one that others may read.
        try Self.makePrivate(path)
        do { try queue.vacuum(into: path) } catch let error as DatabaseError {
            throw Self.failure(error, path)
        }
    }

    func revision() throws -> Revision { try asking(Self.lastRevision) }

    /// Last states newer than `revision`, oldest first.
    func changes(after revision: Revision) throws -> [Store.Change] {
        let (found, forgotten) = try asking { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT collection, key, value, revision FROM documents
                        WHERE revision > ? ORDER BY revision, collection, key
                        """), arguments: [Int64(clamping: revision)])
            let found = try Array(rows.compactMap(Self.change))
            // Asked afterwards: what is not forgotten by now was there.
            let forgotten = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT revision FROM forgotten"))
            return (found, forgotten ?? 0)
        }
        guard revision >= UInt64(clamping: forgotten) else {
            throw Failure(
                .notFound,
                "watching the state from revision \(revision): what was deleted up to "
                    + "\(forgotten) is not known any more")
        }
        return found
    }

    func commit(_ compares: [Compare], _ writes: [Write]) throws -> Revision {
        try writing { db in
            for compare in compares { try Self.require(compare, db) }
            let next = try Self.lastRevision(db) + 1
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO documents (collection, key, revision, value)
                    VALUES (?, ?, ?, ?) ON CONFLICT (collection, key)
                    DO UPDATE SET revision = excluded.revision, value = excluded.value
                    """)
            for write in writes {
                try statement.execute(
                    arguments: [
                        write.collection.rawValue, write.key, Int64(next),
                        write.value.map { Data($0) },
                    ])
            }
            try Self.forgetOldDeletions(db)
            return writes.isEmpty ? next - 1 : next
        }
    }

    private static func require(_ compare: Compare, _ db: Database) throws {
        let found = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT revision FROM documents
                    WHERE collection = ? AND key = ? AND value IS NOT NULL
                    """), arguments: [compare.collection.rawValue, compare.key]
        ).map { UInt64(clamping: $0) }
        guard found != compare.revision else { return }
        func text(_ revision: Revision?) -> String { revision.map { "at \($0)" } ?? "absent" }
        throw Failure(
            .conflict,
            "saving \(compare.collection.rawValue)/\(compare.key): somebody else wrote it "
                + "meanwhile: expected \(text(compare.revision)), found \(text(found))",
            fix: "type the same again")
    }

    private static func forgetOldDeletions(_ db: Database) throws {
        let limit = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT revision FROM documents WHERE value IS NULL
                    ORDER BY revision DESC LIMIT 1 OFFSET \(tombstonesMax)
                    """))
        guard let limit else { return }
        try db.execute(
            sql: "DELETE FROM documents WHERE value IS NULL AND revision <= ?", arguments: [limit])
        try db.execute(sql: "UPDATE forgotten SET revision = ?", arguments: [limit])
    }

    private static func lastRevision(_ db: Database) throws -> Revision {
        UInt64(
            clamping: try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT max(revision) FROM documents")) ?? 0)
    }

    /// Documents of one collection, read one by one as they are asked for.
    private static func documents(
        _ db: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> MapCursor<RowCursor, Document> {
        try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT key, value, revision FROM documents
                    WHERE collection = ? AND value IS NOT NULL \(condition)
                    """), arguments: arguments
        ).map { row in
            Document(
                key: row["key"], value: Array(row["value"] as Data),
                revision: UInt64(clamping: row["revision"] as Int64))
        }
    }

    /// Nil for one of a collection that this version does not know.
    private static func change(_ row: Row) -> Store.Change? {
        CollectionName(rawValue: row["collection"]).map {
            Store.Change(
                collection: $0, key: row["key"], value: (row["value"] as Data?).map(Array.init),
                revision: UInt64(clamping: row["revision"] as Int64))
        }
    }

    /// Without a transaction, of which each statement sees one state by itself: one that is read
    /// only has SQLite prepare every cached statement anew.
    private func asking<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try queue.unsafeRead(body) } catch let error as DatabaseError {
            throw Self.failure(error, path)
        }
    }

    private func writing<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.writeWithoutTransaction { db in
                // GRDB's own transactions prepare these statements each time.
                try db.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
                do {
                    let value = try body(db)
                    try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
                    return value
                } catch {
                    // What stopped it is told, and not that SQLite had rolled it back by itself.
                    try? db.rollback()
                    throw error
                }
            }
        } catch let error as DatabaseError {
            throw Self.failure(error, path)
        }
    }
}

/// The file itself, and what SQLite's complaints about it mean.
extension SQLiteEngine {
    /// Makes the file with mode 0600 before SQLite sees it; its log and index files take the same
    /// mode. Throws `conflict` if something else lies there.
    ///
    /// One that is there is never opened: to close it would give up every lock that this process
    /// has on it (fcntl(2), "Advisory record locking"), those of an open store among them, and the
    /// next process to end would take itself for the last one and remove a log that is in use
    /// (SQLite, "How To Corrupt An SQLite Database File", 2.2).
    private static func makePrivate(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw Failure(
                .failed, "opening the state \(path): \(String(cString: strerror(errno)))",
                fix: "look at the folder of \(path); it must be there and be yours")
        }
        var found = stat()
        guard lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
            throw Failure(
                .conflict, "opening the state \(path): it is no plain file",
                fix: "look at what lies at \(path); it must be a file of yours")
        }
        // The umask may have taken bits away, too.
        guard chmod(path, 0o600) == 0 else {
            throw Failure(
                .failed, "making \(path) private: \(String(cString: strerror(errno)))",
                fix: "run jeeves as the owner of \(path)")
        }
    }

    private static func damaged(_ path: String, _ reason: String) -> Failure {
        Failure(
            .failed, "opening the state \(path): it is damaged (\(reason.prefix(200)))",
            fix: "stop jeeves, and \(Failure.Fix.restore); nodes keep serving meanwhile")
    }

    private static func failure(_ error: DatabaseError, _ path: String) -> Failure {
        let reason = error.message ?? "\(error.resultCode)"
        return switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: damaged(path, reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            Failure(
                .unavailable, "using the state \(path): another program holds it",
                fix: "stop what reads or backs up \(path), and try again")
        case .SQLITE_FULL:
            Failure(
                .failed, "writing the state \(path): the disk is full", fix: "free some space")
        default:
            Failure(
                .failed, "using the state \(path): \(reason)",
                fix: "check the disk and the owner of \(path)")
        }
    }
}
