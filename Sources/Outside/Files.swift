import FoundationEssentials
import Model

/// What is known of a path without reading it. Symbolic links are not followed.
public struct FileInfo: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case file, directory, link, other }

    public var kind: Kind
    /// Permission bits.
    public var mode: UInt16
    public var owner: UInt32
    public var bytes: Int
    public var changedAt: Date

    public init(kind: Kind, mode: UInt16, owner: UInt32, bytes: Int, changedAt: Date) {
        self.kind = kind
        self.mode = mode
        self.owner = owner
        self.bytes = bytes
        self.changedAt = changedAt
    }
}

/// Reads and writes files.
public protocol Files: Sendable {
    /// Nil if there is nothing at `path`. Throws `failed` for any other trouble.
    func info(_ path: String) throws -> FileInfo?

    /// The whole content. Throws `notFound`, or `invalid` if it is larger than `bytesMax`.
    func read(_ path: String, bytesMax: Int) throws -> [UInt8]

    /// Names in a directory, sorted, without `.` and `..`. Throws `notFound`.
    func list(_ path: String) throws -> [String]

    /// Replaces the file whole: temporary dot-file beside it opened with `mode`, fsync, rename,
    /// fsync of the directory. A reader sees the old or the new content, never a part.
    ///
    /// Throws `conflict` if `path` is a symbolic link or not a file, `failed` with errno's text
    /// otherwise (disk full included); the old content is then still there.
    func replace(_ path: String, with bytes: [UInt8], mode: UInt16, op: Op) throws

    /// Makes a directory and its missing parents. Does nothing if it exists.
    func makeDirectory(_ path: String, mode: UInt16, op: Op) throws

    /// Removes a file, a link or an empty directory. Does nothing if it is gone.
    func remove(_ path: String, op: Op) throws

    /// The target of a symbolic link. Throws `notFound` if `path` is none.
    func linkTarget(_ path: String) throws -> String
}

extension Files {
    /// The whole content, or nil if the file is not there.
    public func readIfThere(_ path: String, bytesMax: Int = 1 << 20) throws -> [UInt8]? {
        do { return try read(path, bytesMax: bytesMax) } catch let failure as Failure
            where failure.code == .notFound
        { return nil }
    }

    /// The whole content as text, or nil if the file is not there. Throws `invalid` if it is not
    /// UTF-8.
    public func text(_ path: String, bytesMax: Int = 1 << 20) throws -> String? {
        guard let bytes = try readIfThere(path, bytesMax: bytesMax) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                .invalid, "reading \(path): it is not UTF-8 text", fix: "save it as UTF-8")
        }
        return text
    }
}
