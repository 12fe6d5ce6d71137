import Crypto
import Foundation
import Model
import Outside

/// What takes long to build or fetch, kept outside the checkout and the lab: each artifact is a
/// folder named by the SHA-256 of what it was made from. Nothing in it is ever changed in place.
struct Cache: Sendable {
    /// `JEEVES_CACHE`, or `~/.cache/jeeves`.
    let folder: String

    init() {
        let environment = ProcessInfo.processInfo.environment
        folder = environment["JEEVES_CACHE"] ?? "\(environment["HOME"] ?? "/root")/.cache/jeeves"
    }

    /// The folder of the artifact that `build` makes from `key`, built now if it is not there.
    ///
    /// `build` gets an empty folder, which gets its final name only when `build` has returned: a
    /// crash leaves no half-made artifact. Two runs at the same time build once; the second waits.
    /// `usually` is told to the person who waits: "about 3 minutes". Throws what `build` throws.
    func artifact(
        _ name: String, key: [String], usually: String,
        build: (_ folder: String) async throws -> Void
    ) async throws -> String {
        let digest = SHA256.hash(data: Data(key.joined(separator: "\u{0}").utf8))
        let hex = digest.prefix(8).map { String(format: "%02x", $0) }.joined()
        let path = "\(folder)/\(name)-\(hex)"
        if isThere(path) { return path }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let lock = try await Lock("\(folder)/.\(name).lock", of: "building \(name)")
        defer { lock.release() }
        if isThere(path) { return path }

        let partial = "\(folder)/.\(name)-\(hex).partial"
        try? FileManager.default.removeItem(atPath: partial)
        try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: false)
        say("\(name): building once, kept in \(folder); this takes \(usually)")
        let begun = ContinuousClock.now
        do { try await build(partial) } catch {
            throw Failure(error, trying: "building \(name) in \(partial)")
        }
        try FileManager.default.moveItem(atPath: partial, toPath: path)
        say("\(name): built in \(begun.duration(to: .now).shortText)")
        return path
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// One line for the person who watches, at once even if stdout is a file.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
