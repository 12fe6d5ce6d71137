import FoundationEssentials
import Model
import Trust

/// A backup as bytes: a line that says what it is, a header that anybody may read, and everything
/// else closed with a passphrase.
struct BackupFile: Sendable {
    /// Raised when an older Jeeves could not read what a newer one wrote.
    static let format = 1
    /// Of the whole file, which is held in memory. A state folder has some megabytes.
    static let bytesMax = 256 << 20
    static let entriesMax = 5_000
    private static let mark = Array("JEEVES BACKUP\n".utf8)
    private static let headerBytesMax = 4 << 10

    /// What the file says of itself.
    struct Header: Codable, Hashable, Sendable {
        let format: Int
        /// Version of Jeeves that wrote it.
        let jeeves: String
        let cluster: ClusterID
        let at: Date
        /// Name of the cluster file.
        let clusterFile: String
        /// Of the passphrase's key.
        let salt: Digest
    }

    /// One file of a project.
    struct Entry: Hashable, Sendable {
        /// Which folder its path begins at.
        enum Place: String, Codable, Sendable {
            /// That of the cluster file.
            case folder
            case state
        }

        let place: Place
        let path: String
        let bytes: [UInt8]
    }

    let header: Header
    let entries: [Entry]

    /// Throws `invalid` if it would be larger than a backup may be.
    func sealed(with passphrase: Secret) throws -> [UInt8] {
        let size = entries.reduce(0) { $0 + $1.bytes.count + Self.headerBytesMax }
        guard size <= Self.bytesMax, entries.count <= Self.entriesMax else { throw Self.tooLarge }
        let start = Self.mark + Self.framed(try JSON.encode(header))
        var body: [UInt8] = []
        for entry in entries {
            let label = Label(place: entry.place, path: entry.path, bytes: entry.bytes.count)
            body += Self.framed(try JSON.encode(label))
            body += entry.bytes
        }
        return start
            + (try PassphraseBox.seal(
                body, passphrase: passphrase, salt: Array(header.salt.rawValue.utf8),
                context: start))
    }

    static let tooLarge = Failure(
        .invalid, "making the backup: more than \(bytesMax >> 20) MiB or \(entriesMax) files",
        fix: "move large files, and folders with many, out of the folder of the cluster file")

    private static func framed(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }

    /// What stands before each entry's bytes.
    private struct Label: Codable {
        let place: Entry.Place
        let path: String
        let bytes: Int
    }
}

extension BackupFile {
    /// The header of a backup whose content is still closed. Throws `invalid` if the bytes are
    /// none, `unsupported` if a newer Jeeves made them.
    static func header(of bytes: [UInt8]) throws -> Header {
        var reader = Reader(bytes)
        return try header(&reader)
    }

    private static func header(_ reader: inout Reader) throws -> Header {
        struct Origin: Decodable {
            let format: Int
            let jeeves: String
        }
        guard reader.take(mark.count).map(Array.init) == mark,
            let text = reader.frame(bytesMax: headerBytesMax)
        else { throw damaged }
        // A newer header may have another shape, so its origin comes first.
        let origin = try JSON.decode(Origin.self, from: text, what: "the backup's header")
        let made = Version(origin.jeeves)
        let isNewer = made.flatMap { made in Version(Release.version).map { made > $0 } } ?? true
        guard origin.format <= format, !isNewer else {
            throw Failure(
                .unsupported,
                "opening the backup: jeeves \(Printable.escape(String(origin.jeeves.prefix(32)))) "
                    + "made it, and this is \(Release.version)",
                fix: "install that version of jeeves or a newer one, and restore with it")
        }
        return try JSON.decode(Header.self, from: text, what: "the backup's header")
    }

    /// Throws as ``header(of:)`` does, and `unauthorized` for another passphrase.
    init(_ bytes: [UInt8], passphrase: Secret) throws {
        var reader = Reader(bytes)
        let header = try Self.header(&reader)
        let start = bytes.prefix(bytes.count - reader.rest.count)
        let body = try PassphraseBox.open(
            reader.rest, passphrase: passphrase, salt: Array(header.salt.rawValue.utf8),
            context: Array(start))
        var entries: [Entry] = []
        reader = Reader(body)
        while !reader.rest.isEmpty {
            guard entries.count < Self.entriesMax,
                let text = reader.frame(bytesMax: Self.headerBytesMax)
            else { throw Self.damaged }
            let label = try JSON.decode(Label.self, from: text, what: "the backup's content")
            guard Self.isInside(label.path), let content = reader.take(label.bytes) else {
                throw Self.damaged
            }
            entries.append(Entry(place: label.place, path: label.path, bytes: Array(content)))
        }
        self.init(header: header, entries: entries)
    }

    /// Whether a path stays below the folder that it begins at.
    static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return (1...1024).contains(path.utf8.count) && !path.utf8.contains(0)
            && parts.allSatisfy { !["", ".", ".."].contains($0) }
    }

    func entry(_ place: Entry.Place, _ path: String) -> Entry? {
        entries.first { $0.place == place && $0.path == path }
    }

    private static let damaged = Failure(
        .invalid, "opening the backup: the file is none, or it is damaged",
        fix: "name a file that `jeeves backup` wrote")
}

/// Takes bytes from the front, and never more than there are.
private struct Reader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// Four bytes of length, then so many bytes.
    mutating func frame(bytesMax: Int) -> ArraySlice<UInt8>? {
        guard let length = take(4)?.reduce(0, { $0 << 8 | Int($1) }), length <= bytesMax else {
            return nil
        }
        return take(length)
    }
}
