import FoundationEssentials
import Glibc
import Model

/// The node's file system, by system calls: no call depends on the umask, and none that writes
/// follows a symbolic link in the last name of its path.
struct LiveFiles: Files {
    var calls = DiskCalls()

    func info(_ path: String) throws -> FileInfo? {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw systemFailure("looking at \(path)")
        }
        return FileInfo(
            kind: Self.kind(found), mode: UInt16(found.st_mode & 0o7777), owner: found.st_uid,
            bytes: Int(found.st_size),
            changedAt: Date(
                timeIntervalSince1970: Double(found.st_mtim.tv_sec)
                    + Double(found.st_mtim.tv_nsec) / 1e9))
    }

    func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
        let file = try Descriptor.readable(path)
        let bytes = try file.read(bytesMax: bytesMax == .max ? .max : bytesMax + 1, of: path)
        guard bytes.count <= bytesMax else {
            throw Failure(
                .invalid, "reading \(path): it is larger than \(UInt64(bytesMax).sizeText)")
        }
        return bytes
    }

    /// The last `bytes` of a file that another program may be writing.
    func tail(_ path: String, bytes: Int) throws -> [UInt8] {
        let file = try Descriptor.readable(path)
        let end = lseek(file.number, 0, SEEK_END)
        if end > bytes {
            lseek(file.number, end - bytes, SEEK_SET)
        } else {
            lseek(file.number, 0, SEEK_SET)
        }
        return try file.read(bytesMax: bytes, of: path)
    }

    func list(_ path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw systemFailure("listing \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw systemFailure("listing \(path)") }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    func linkTarget(_ path: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count >= 0 else {
            throw systemFailure("reading the link \(path)", code: errno == EINVAL ? ENOENT : errno)
        }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    func replace(_ path: String, with bytes: [UInt8], mode: UInt16, op: Op) throws {
        try Replacement(of: path, by: calls).write(bytes, mode: mode)
    }

    func makeDirectory(_ path: String, mode: UInt16, op: Op) throws {
        var found = stat()
        if stat(path, &found) == 0 {
            guard Self.kind(found) == .directory else {
                throw Failure(
                    .conflict, "making the folder \(path): there is a file of that name",
                    fix: "look at what \(path) is and move it away")
            }
            return
        }
        let (parent, _) = Self.split(path)
        if parent != path { try makeDirectory(parent, mode: mode, op: op) }
        if mkdir(path, mode_t(mode)) == 0 {
            // The umask took bits away.
            guard chmod(path, mode_t(mode)) == 0 else {
                throw systemFailure("making the folder \(path)")
            }
        } else if errno != EEXIST {
            let code = errno
            throw Failure(
                .failed, "making the folder \(path): \(errnoText(code))", fix: permissionFix(code))
        }
    }

    func remove(_ path: String, op: Op) throws {
        if calls.remove(AT_FDCWD, path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR, rmdir(path) == 0 || errno == ENOENT else {
            throw systemFailure("removing \(path)")
        }
    }

    static func kind(_ found: stat) -> FileInfo.Kind {
        switch found.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .directory
        case S_IFLNK: .link
        default: .other
        }
    }

    /// A path's folder and its last name.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        return (folder, String(path[path.index(after: slash)...]))
    }
}

/// An open file that closes itself.
struct Descriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }
    deinit { close(number) }

    /// Opens a regular file; never waits, so a pipe of that name is refused instead of read.
    static func readable(_ path: String) throws -> Descriptor {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw systemFailure("reading \(path)") }
        let file = Descriptor(number)
        var found = stat()
        guard fstat(number, &found) == 0, LiveFiles.kind(found) == .file else {
            throw Failure(.failed, "reading \(path): it is not a regular file")
        }
        return file
    }

    /// Reads to the end, at most `bytesMax`; the file's own size is not trusted (procfs says 0).
    func read(bytesMax: Int, of path: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < bytesMax {
            let got = Glibc.read(number, &buffer, min(buffer.count, bytesMax - bytes.count))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw systemFailure("reading \(path)") }
            if got == 0 { break }
            bytes.append(contentsOf: buffer[..<got])
        }
        return bytes
    }

    func writeAll(_ bytes: [UInt8], by calls: DiskCalls) throws(ErrnoError) {
        var done = 0
        while done < bytes.count {
            let wrote = bytes[done...].withUnsafeBytes { calls.write(number, $0) }
            if wrote < 0 && errno == EINTR { continue }
            guard wrote >= 0 else { throw ErrnoError() }
            done += wrote
        }
    }
}

/// The number of a failed system call, kept before another call can change it.
struct ErrnoError: Error {
    let code = errno
}
