import Model
import SystemPackage

/// A file that takes what a child prints, and is read while it grows.
///
/// A pipe ends with its reader: a child that goes on after we were killed would die at its next
/// word (SIGPIPE, pipe(7)), in the middle of what it does. A file does not mind.
final class OutputFile: Sendable {
    private let capture: Capture
    /// For the child; closed once it has started.
    let writing: FileDescriptor
    private let reading: FileDescriptor

    /// Makes the file anew, for its owner only. Throws `failed` if it cannot be written.
    init(_ path: String, capture: Capture) throws {
        self.capture = capture
        do {
            writing = try FileDescriptor.open(
                FilePath(path), .writeOnly,
                options: [.create, .truncate, .append, .noFollow, .closeOnExec],
                permissions: .ownerReadWrite)
            reading = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        } catch {
            throw Failure(.failed, "writing \(path): \(error)")
        }
    }

    deinit { try? reading.close() }

    /// Reads what is new and returns the lines that it completes.
    func grown() throws -> [String] {
        var lines: [String] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try reading.read(into: $0) }
            guard count > 0 else { return lines }
            lines += capture.append(Array(chunk.prefix(count)))
        }
    }
}
