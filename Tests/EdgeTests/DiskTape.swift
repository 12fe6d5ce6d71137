import Glibc
import Model
import Synchronization

@testable import Outside

/// Writes down the system calls by which an agent changes the disk, as they are made, so that a
/// test can play any beginning of them again.
final class DiskTape: Sendable {
    /// One call that succeeded, with absolute paths.
    enum Entry: Sendable {
        case create(String)
        case write(String, [UInt8])
        /// Of a file or a folder.
        case sync(String)
        case rename(String, String)
        case remove(String)
    }

    private let tape = Mutex<[Entry]>([])

    var entries: [Entry] { tape.withLock { $0 } }

    /// The live files, recorded.
    var files: any Files { LiveFiles(calls: calls) }

    private var calls: DiskCalls {
        let real = DiskCalls()
        var calls = DiskCalls()
        calls.create = { [self] folder, name, mode in
            let number = real.create(folder, name, mode)
            if number >= 0 { note(.create("\(Self.path(of: folder))/\(name)")) }
            return number
        }
        calls.write = { [self] file, bytes in
            let count = real.write(file, bytes)
            if count > 0 { note(.write(Self.path(of: file), Array(bytes.prefix(count)))) }
            return count
        }
        calls.sync = { [self] number in
            let result = real.sync(number)
            if result == 0 { note(.sync(Self.path(of: number))) }
            return result
        }
        calls.rename = { [self] folder, name, new in
            let result = real.rename(folder, name, new)
            let place = Self.path(of: folder)
            if result == 0 { note(.rename("\(place)/\(name)", "\(place)/\(new)")) }
            return result
        }
        calls.remove = { [self] folder, name in
            let result = real.remove(folder, name)
            let path = name.hasPrefix("/") ? name : "\(Self.path(of: folder))/\(name)"
            if result == 0 { note(.remove(path)) }
            return result
        }
        return calls
    }

    private func note(_ entry: Entry) { tape.withLock { $0.append(entry) } }

    /// Of an open file or folder (proc(5)).
    private static func path(of number: Int32) -> String {
        (try? LiveFiles().linkTarget("/proc/self/fd/\(number)")) ?? "?"
    }
}

extension DiskTape {
    /// What a power cut leaves of the bytes that no fsync has made safe.
    enum Rest: CaseIterable, Sendable { case all, half, none }

    /// What is in a folder.
    typealias Content = [String: [UInt8]]

    /// What the calls of `entries` make of `content`, as far as a power cut after the last of them
    /// leaves it.
    static func play(
        _ entries: some Sequence<Entry>, on content: Content, leaving rest: Rest
    ) -> Content {
        var content = content
        /// How many of a file's bytes are safe.
        var safe: [String: Int] = [:]
        for entry in entries {
            switch entry {
            case .create(let path): (content[path], safe[path]) = ([], 0)
            case .write(let path, let bytes): content[path, default: []] += bytes
            case .sync(let path): safe[path] = nil
            case .rename(let path, let new):
                content[new] = content.removeValue(forKey: path)
                safe[new] = safe.removeValue(forKey: path)
            case .remove(let path): (content[path], safe[path]) = (nil, nil)
            }
        }
        for (path, count) in safe {
            guard let bytes = content[path] else { continue }
            let left = (bytes.count - count) / (rest == .half ? 2 : 1)
            content[path] = Array(bytes.prefix(count + (rest == .none ? 0 : left)))
        }
        return content
    }
}
