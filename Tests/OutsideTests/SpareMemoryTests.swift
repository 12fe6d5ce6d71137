import Glibc
import Outside
import Testing

@Suite(.serialized) struct SpareMemoryTests {
    /// KiB of files' pages that this process has mapped in (proc_pid_status(5), `RssFile`).
    private func filePages(_ files: any Files) throws -> Int {
        let status = try files.text("/proc/self/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssFile:") } ?? ""
        return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    @Test("nothing is given back while the program takes no more than it may")
    func small() throws {
        let files = World.live().files
        let before = try filePages(files)
        try SpareMemory.release(above: 1 << 40, files)
        #expect(try filePages(files) >= before)
    }

    @Test("giving back what is on disk anyway shrinks the program, and it goes on as before")
    func release() throws {
        let files = World.live().files
        let before = try filePages(files)
        try SpareMemory.release(above: 0, files)
        let after = try filePages(files)
        #expect(after < before - 16 << 10, "\(before) KiB before, \(after) KiB after")
        // Relocated tables, written before and read-only since, must be as they were.
        let shapes: [any CustomStringConvertible & Sendable] = [1, "a", [2.5], ["k": true]]
        #expect(shapes.map(\.description) == ["1", "a", "[2.5]", "[\"k\": true]"])
    }
}
