import Glibc
import Model
import Outside

/// A temporary folder with the `openssl` command in it: a second opinion on what we make, and the
/// maker of what we must refuse. The folder goes when the workshop does.
public final class Workshop: Sendable {
    public let folder: String
    private let world = World.live()

    public init() throws {
        var template = Array("/tmp/jeeves-trust-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.failed, "making a temporary folder: \(String(cString: strerror(errno)))")
        }
        folder = template.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    deinit { world.files.clear(folder) }

    /// Runs `openssl` in the folder and returns what it printed. Throws if it does not exit 0.
    @discardableResult
    public func openssl(_ arguments: String...) async throws -> String {
        try await openssl(arguments)
    }

    @discardableResult
    public func openssl(_ arguments: [String]) async throws -> String {
        try await world.processes.output(
            of: Command("openssl", arguments, directory: folder),
            limits: Limits(deadline: .seconds(60)), op: "workshop.openssl")
    }

    /// Serves TLS with `openssl s_server` for as long as `body` runs, and gives it the port.
    public func serving<Value: Sendable>(
        _ arguments: String..., body: @Sendable @escaping (UInt16) async throws -> Value
    ) async throws -> Value {
        try await serving(arguments, body: body)
    }

    public func serving<Value: Sendable>(
        _ arguments: [String], body: @Sendable @escaping (UInt16) async throws -> Value
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

    public func write(_ name: String, _ text: String) throws {
        try world.files.replace(
            "\(folder)/\(name)", with: Array(text.utf8), mode: 0o600, op: "workshop.write")
    }

    /// Every file by its name.
    public func contents() throws -> [String: String] {
        let names = try world.files.list(folder)
        return Dictionary(uniqueKeysWithValues: try names.map { ($0, try read($0)) })
    }

    public func read(_ name: String) throws -> String {
        try world.files.text("\(folder)/\(name)") ?? ""
    }
}
