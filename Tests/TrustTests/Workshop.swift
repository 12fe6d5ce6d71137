import Foundation
import Model
import Outside

@testable import Trust

/// A temporary folder with the `openssl` command in it: a second opinion on what Trust makes, and
/// the maker of what Trust must refuse. The folder goes when the workshop does.
final class Workshop: Sendable {
    let folder: String
    private let world = World.live()

    init() throws {
        var template = Array("/tmp/jeeves-trust-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.failed, "making a temporary folder: \(String(cString: strerror(errno)))")
        }
        folder = template.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    deinit {
        for name in (try? world.files.list(folder)) ?? [] {
            try? world.files.remove("\(folder)/\(name)", op: "workshop.remove")
        }
        try? world.files.remove(folder, op: "workshop.remove")
    }

    /// Runs `openssl` in the folder and returns what it printed. Throws if it does not exit 0.
    @discardableResult
    func openssl(_ arguments: String...) async throws -> String {
        try await openssl(arguments)
    }

    @discardableResult
    func openssl(_ arguments: [String]) async throws -> String {
        try await world.processes.output(
            of: Command("openssl", arguments, directory: folder),
            limits: Limits(deadline: .seconds(60)), op: "workshop.openssl")
    }

    /// Serves TLS with `openssl s_server` for as long as `body` runs, and gives it the port.
    func serving<Value: Sendable>(
        _ arguments: String..., body: @Sendable @escaping (UInt16) async throws -> Value
    ) async throws -> Value {
        let command = Command(
            "openssl", ["s_server", "-accept", "127.0.0.1:0"] + arguments, directory: folder)
        let (lines, said) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .unbounded)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { [world] in
                defer { said.finish() }
                _ = try await world.processes.run(
                    command, limits: Limits(deadline: .seconds(60), grace: .milliseconds(100)),
                    op: "workshop.serve", started: { _ in }, line: { said.yield($0) })
                return nil
            }
            group.addTask {
                for await line in lines where line.hasPrefix("ACCEPT ") {
                    // ACCEPT 127.0.0.1:41234 PID=… (s_server(1): port 0 means any)
                    let address = line.split(separator: " ").dropFirst().first ?? ""
                    guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) })
                    else { break }
                    return try await body(port)
                }
                throw Failure(.failed, "serving TLS: s_server named no port")
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw Failure(.failed, "serving TLS: s_server ended")
        }
    }

    func write(_ name: String, _ text: String) throws {
        try world.files.replace(
            "\(folder)/\(name)", with: Array(text.utf8), mode: 0o600, op: "workshop.write")
    }

    /// Every file by its name.
    func contents() throws -> [String: String] {
        let names = try world.files.list(folder)
        return Dictionary(uniqueKeysWithValues: try names.map { ($0, try read($0)) })
    }

    func read(_ name: String) throws -> String {
        try world.files.text("\(folder)/\(name)") ?? ""
    }
}

/// A committed file beside the tests.
func fixture(_ name: String, from file: String = #filePath) throws -> [UInt8] {
    let folder = file.split(separator: "/").dropLast().joined(separator: "/")
    return try World.live().files.read("/\(folder)/Fixtures/\(name)", bytesMax: 1 << 20)
}

/// The failure that `body` throws. Throws a failure of its own if it throws none.
func failure(of body: () async throws -> Void) async throws -> Failure {
    do { try await body() } catch let failure as Failure { return failure }
    throw Failure(.failed, "waiting for a failure: none came")
}
