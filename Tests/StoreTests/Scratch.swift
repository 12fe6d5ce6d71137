import Glibc
import Model

@testable import Store

/// A folder of its own for one test.
struct Folder {
    let path: String

    var store: String { "\(path)/jeeves.db" }

    init() throws {
        var template = Array("/tmp/store-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure(.failed, "making a folder") }
        path = String(cString: made)
    }

    /// Names of the files in it, sorted.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    func mode(_ name: String) -> mode_t {
        var info = stat()
        return lstat("\(path)/\(name)", &info) == 0 ? info.st_mode & 0o777 : 0
    }

    func read(_ name: String) -> [UInt8] {
        guard let file = fopen("\(path)/\(name)", "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        return bytes
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        guard let file = fopen("\(path)/\(name)", "w") else { return }
        defer { fclose(file) }
        fwrite(bytes, 1, bytes.count, file)
    }

    /// Whether any process has a lock on the file, as the kernel lists them (proc(5)): to open it
    /// and ask would give up our own.
    func isLocked(_ name: String) -> Bool {
        var info = stat()
        guard lstat("\(path)/\(name)", &info) == 0 else { return false }
        let locks = String(decoding: read("../../proc/locks"), as: UTF8.self)
        return locks.split(separator: "\n").contains { $0.contains(":\(info.st_ino) ") }
    }

    func remove() {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

/// Runs `body` with a folder that is gone afterwards.
func withFolder<Value>(_ body: (Folder) async throws -> Value) async throws -> Value {
    let folder = try Folder()
    defer { folder.remove() }
    return try await body(folder)
}

func withStore<Value>(_ body: (Store) async throws -> Value) async throws -> Value {
    try await withFolder { try await body(Store.open(path: $0.store)) }
}

/// What `body` throws, if that is a failure.
func failure<Value>(_ body: () throws -> Value) -> Failure? {
    do {
        _ = try body()
        return nil
    } catch { return error as? Failure }
}
