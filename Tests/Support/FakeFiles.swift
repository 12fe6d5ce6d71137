import FoundationEssentials
import Model
import Outside
import Synchronization

/// A file tree in memory that keeps the contract of ``Files``. Writing by subscript or by a method
/// without an op is the test arranging things: no effect, and missing parents are made.
public final class FakeFiles: Files {
    private enum Content: Hashable { case file([UInt8]), directory, link(String) }

    private struct Entry {
        var content: Content
        var mode: UInt16
        var changedAt: Date
    }

    private let entries: Mutex<[String: Entry]>
    private let clock: ManualClock
    private let history: History

    init(clock: ManualClock, history: History) {
        self.clock = clock
        self.history = history
        var tree: [String: Entry] = [:]
        for path in ["/", "/etc", "/run", "/tmp", "/usr", "/var", "/var/lib", "/var/snap"] {
            tree[path] = Entry(content: .directory, mode: 0o755, changedAt: clock.now())
        }
        entries = Mutex(tree)
    }

    // MARK: Arranging and looking

    /// The text of a file; nil if there is none. Setting makes it with mode 0644 or keeps its mode;
    /// setting nil removes whatever is there, with all below it.
    public subscript(path: String) -> String? {
        get { (try? find(path, bytesMax: .max)).map { String(decoding: $0, as: UTF8.self) } }
        set {
            guard let newValue else { return removeAll(path) }
            let mode = self.mode(of: path) ?? 0o644
            put(Array(newValue.utf8), at: path, mode: mode)
        }
    }

    public func put(_ bytes: [UInt8], at path: String, mode: UInt16 = 0o644) {
        place(.file(bytes), at: path, mode: mode)
    }

    public func directory(_ path: String, mode: UInt16 = 0o755) {
        place(.directory, at: path, mode: mode)
    }

    public func link(_ path: String, to target: String) {
        place(.link(target), at: path, mode: 0o777)
    }

    /// Permission bits of what is at `path` itself; nil if nothing is.
    public func mode(of path: String) -> UInt16? {
        entries.withLock { $0[Self.clean(path)]?.mode }
    }

    /// Paths of all files and links, sorted.
    public var paths: [String] {
        entries.withLock { $0.filter { $0.value.content != .directory }.keys.sorted() }
    }

    // MARK: Files

    public func info(_ path: String) throws -> FileInfo? {
        try history.read("files.info")
        return entries.withLock { entries in
            guard let entry = entries[Self.parentResolved(path, entries)] else { return nil }
            let (kind, bytes): (FileInfo.Kind, Int) =
                switch entry.content {
                case .file(let bytes): (.file, bytes.count)
                case .directory: (.directory, 0)
                case .link(let target): (.link, target.utf8.count)
                }
            return FileInfo(
                kind: kind, mode: entry.mode, owner: 0, bytes: bytes, changedAt: entry.changedAt)
        }
    }

    public func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
        try history.read("files.read")
        return try find(path, bytesMax: bytesMax)
    }

    public func list(_ path: String) throws -> [String] {
        try history.read("files.list")
        return try entries.withLock { entries in
            let folder = Self.resolved(path, entries)
            guard case .directory = entries[folder]?.content else {
                throw Failure(.notFound, "listing \(path): No such file or directory")
            }
            return Self.children(of: folder, entries).map { String($0.dropFirst($1)) }.sorted()
        }
    }

    public func linkTarget(_ path: String) throws -> String {
        try history.read("files.linkTarget")
        return try entries.withLock { entries in
            guard case .link(let target) = entries[Self.parentResolved(path, entries)]?.content
            else { throw Failure(.notFound, "reading the link \(path): it is not a link") }
            return target
        }
    }

    public func replace(_ path: String, with bytes: [UInt8], mode: UInt16, op: Op) throws {
        try history.effect(op) {
            try entries.withLock { entries in
                let place = Self.parentResolved(path, entries)
                if let old = entries[place], case .file = old.content {
                } else if entries[place] != nil {
                    throw Failure(.conflict, "replacing \(path): it is not a regular file")
                }
                guard case .directory = entries[Self.parent(place)]?.content else {
                    throw Failure(.failed, "replacing \(path): No such file or directory")
                }
                entries[place] = Entry(content: .file(bytes), mode: mode, changedAt: clock.now())
            }
        }
    }

    public func makeDirectory(_ path: String, mode: UInt16, op: Op) throws {
        try history.effect(op) {
            try entries.withLock { entries in
                var place = Self.resolved(path, entries)
                while entries[place] == nil {
                    entries[place] = Entry(content: .directory, mode: mode, changedAt: clock.now())
                    place = Self.parent(place)
                }
                guard case .directory = entries[place]?.content else {
                    throw Failure(.conflict, "making the folder \(path): \(place) is none")
                }
            }
        }
    }

    public func remove(_ path: String, op: Op) throws {
        try history.effect(op) {
            try entries.withLock { entries in
                let place = Self.parentResolved(path, entries)
                guard Self.children(of: place, entries).isEmpty else {
                    throw Failure(.failed, "removing \(path): Directory not empty")
                }
                entries[place] = nil
            }
        }
    }

    // MARK: The tree

    private func find(_ path: String, bytesMax: Int) throws -> [UInt8] {
        try entries.withLock { entries in
            switch entries[Self.resolved(path, entries)]?.content {
            case .file(let bytes) where bytes.count > bytesMax:
                throw Failure(
                    .invalid, "reading \(path): it is larger than \(UInt64(bytesMax).sizeText)")
            case .file(let bytes): return bytes
            case .directory: throw Failure(.failed, "reading \(path): Is a directory")
            case .link, nil: throw Failure(.notFound, "reading \(path): No such file or directory")
            }
        }
    }

    private func place(_ content: Content, at path: String, mode: UInt16) {
        entries.withLock { entries in
            let path = Self.clean(path)
            entries[path] = Entry(content: content, mode: mode, changedAt: clock.now())
            var folder = Self.parent(path)
            while entries[folder] == nil {
                entries[folder] = Entry(content: .directory, mode: 0o755, changedAt: clock.now())
                folder = Self.parent(folder)
            }
        }
    }

    private func removeAll(_ path: String) {
        entries.withLock { entries in
            let path = Self.clean(path)
            entries = entries.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        }
    }

    /// Children's paths, each with the number of characters before its name.
    private static func children(
        of folder: String, _ entries: [String: Entry]
    ) -> [(path: String, nameOffset: Int)] {
        let prefix = folder == "/" ? "/" : folder + "/"
        return entries.keys.filter {
            $0 != "/" && $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/")
        }.map { ($0, prefix.count) }
    }

    private static func clean(_ path: String) -> String {
        precondition(path.hasPrefix("/"), "fake files take absolute paths only, not \(path)")
        return "/" + path.split(separator: "/").joined(separator: "/")
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The path with links of its folders followed, but not the last name.
    private static func parentResolved(_ path: String, _ entries: [String: Entry]) -> String {
        let path = clean(path)
        guard path != "/" else { return path }
        let folder = resolved(parent(path), entries)
        let name = path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]
        return clean("\(folder)/\(name)")
    }

    /// The path with all links followed, at most 40 (as Linux does).
    private static func resolved(_ path: String, _ entries: [String: Entry]) -> String {
        var left = clean(path).split(separator: "/").map(String.init)
        var done = "/"
        var hops = 0
        while !left.isEmpty {
            let name = left.removeFirst()
            if name == ".." {
                done = parent(done)
                continue
            }
            let next = clean("\(done)/\(name)")
            guard case .link(let target) = entries[next]?.content, hops < 40 else {
                done = next
                continue
            }
            hops += 1
            if target.hasPrefix("/") { done = "/" }
            left = target.split(separator: "/").map(String.init) + left
        }
        return done
    }
}
