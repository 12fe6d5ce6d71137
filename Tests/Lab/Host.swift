import Foundation
import Model
import Outside

/// Runs programs of the machine that the lab stands on, to their end.
struct Host: Sendable {
    private static let own = ProcessInfo.processInfo.environment

    /// What a build may need of the person's own environment: proxies, CA bundles, pip's settings.
    static let environment = own.filter { name, _ in
        let name = name.uppercased()
        return name == "HOME" || name.hasSuffix("_PROXY") || name.hasPrefix("PIP_")
            || name.hasPrefix("SSL_CERT") || name.hasSuffix("CA_BUNDLE")
    }.merging(["NO_PROXY": direct, "no_proxy": direct]) { $1 }
        .merging(Command.environmentBase) { $1 }

    /// What is reached without a proxy: all of the lab, whatever else.
    private static let direct =
        ([own["no_proxy"] ?? own["NO_PROXY"]].compactMap { $0 } + Layout.Address.internet
        + [Layout.Address.metadata, "127.0.0.1", Layout.zone]).joined(separator: ",")

    /// The most that is kept of a child's output.
    static let outputBytesMax = 4 << 20

    /// Runs `program` and returns how it ended and what it printed.
    ///
    /// With `log` both streams are appended to that file as they come and are not returned. Throws
    /// `notFound` if there is no such program, `timeout` if it was killed after `deadline`.
    func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        directory: String? = nil, input: String? = nil, log: String? = nil,
        deadline: Duration = .seconds(60)
    ) async throws -> Finished {
        guard let path = Host.find(program) else {
            throw Failure(
                .notFound, "running \(program): this machine has no such program",
                fix: "make setup")
        }
        let scratch = try Scratch()
        defer { scratch.remove() }
        var streams = Spawn.Streams(
            output: log ?? scratch.path("out"), errors: log ?? scratch.path("err"))
        if let input {
            try writeFile(input, to: scratch.path("in"), mode: 0o600)
            streams.input = scratch.path("in")
        }
        let child = try Spawn.start(
            path, arguments, environment: Host.environment.merging(environment) { $1 },
            directory: directory, streams: streams, detached: false)
        guard let ending = await Spawn.wait(for: child, deadline: deadline) else {
            throw Failure(
                .timeout, "running \(program): not done after \(deadline.shortText)",
                fix: log.map { "read \($0)" } ?? "")
        }
        guard log == nil else { return Finished(ending: ending) }
        return Finished(
            ending: ending, output: try scratch.text("out", bytesMax: Host.outputBytesMax),
            errors: try scratch.text("err", bytesMax: Host.outputBytesMax))
    }

    /// Runs `program` and returns its stdout. Throws `failed` with the last line of its stderr
    /// unless it exits 0.
    @discardableResult
    func output(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        directory: String? = nil, input: String? = nil, log: String? = nil,
        deadline: Duration = .seconds(60)
    ) async throws -> String {
        let finished = try await run(
            program, arguments, environment: environment, directory: directory, input: input,
            log: log, deadline: deadline)
        guard finished.succeeded else {
            let command = Command(program, arguments).description.prefix(200)
            throw Failure(
                .failed, "running \(command): \(finished.sentence)",
                fix: log.map { "read \($0)" } ?? "")
        }
        return finished.output
    }

    /// The absolute path of a program, or nil.
    static func find(_ program: String) -> String? {
        if program.hasPrefix("/") { return access(program, X_OK) == 0 ? program : nil }
        let inherited = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let path = (Command.environmentBase["PATH"] ?? "") + ":" + inherited
        return path.split(separator: ":").map { "\($0)/\(program)" }
            .first { access($0, X_OK) == 0 }
    }
}

/// Writes `text` to `path` whole, making the folder it lies in.
func writeFile(_ text: String, to path: String, mode: Int = 0o644) throws {
    try makeFolder(URL(filePath: path).deletingLastPathComponent().path())
    guard
        FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    else { throw Failure(.failed, "writing \(path): \(errnoText())") }
}

/// Makes a folder and its missing parents. Does nothing if it exists.
func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

/// A temporary folder.
struct Scratch {
    let folder: String

    init() throws {
        var template = Array("/tmp/jl-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.failed, "making a temporary folder in /tmp: \(errnoText())")
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The last `bytesMax` bytes of a file in it.
    func text(_ name: String, bytesMax: Int) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(filePath: path(name)))
        defer { try? file.close() }
        let size = try file.seekToEnd()
        try file.seek(toOffset: size > UInt64(bytesMax) ? size - UInt64(bytesMax) : 0)
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
