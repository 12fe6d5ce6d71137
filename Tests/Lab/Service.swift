import Foundation
import Model
import Outside

/// A program of the lab that runs until `lab down`, and how to tell that it answers.
struct Service: Sendable {
    enum Check: Sendable {
        /// The URL answers, whatever its status.
        case answers(String, caFile: String? = nil)
        /// Somebody takes connections there, in the network that the program is in.
        case listens(String, Int)
        /// The name has an address in the cloud.
        case resolves(String)
        /// The program has written this file.
        case wrote(String)
    }

    static let startDeadline = Duration.seconds(60)

    let name: String
    let command: [String]
    var environment: [String: String] = [:]
    /// Whether it runs in the cloud's network namespace.
    var inCloud = true
    let check: Check

    var log: String { "\(Layout.log)/\(name).log" }
    private var record: String { "\(Layout.pids)/\(name).json" }

    /// Starts it and writes down which process it is.
    func start() throws {
        let whole = placed(command)
        guard let program = Host.find(whole[0]) else {
            throw Failure(.notFound, "starting \(name): no program \(whole[0])", fix: "make setup")
        }
        let child = try Spawn.start(
            program, Array(whole.dropFirst()),
            environment: Command.environmentBase.merging(environment) { $1 },
            streams: Spawn.Streams(output: log, errors: log), detached: true)
        let bytes = try JSON.encode(child)
        try writeFile(String(decoding: bytes, as: UTF8.self), to: record)
    }

    /// Waits until it answers. Throws `timeout`, or `failed` as soon as it has ended.
    func ready(host: Host) async throws {
        _ = try await World.live().clock.poll(
            every: .milliseconds(200), atMost: Service.startDeadline, waitingFor: name, op: "ready"
        ) {
            guard child.map(Spawn.isAlive) ?? false else {
                throw Failure(.failed, "starting \(name): it ended", fix: "read \(log)")
            }
            return try await answers(host: host) ? true : nil
        }
    }

    /// The process that was started, or nil if there is no record of one.
    var child: ChildID? { Service.child(recordedIn: record) }

    static func child(recordedIn path: String) -> ChildID? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSON.decode(ChildID.self, from: data, what: path)
    }

    func answers(host: Host) async throws -> Bool {
        switch check {
        case .answers(let url, let caFile):
            let trust = caFile.map { ["--cacert", $0] } ?? []
            return try await succeeds(
                ["curl", "--silent", "--output", "/dev/null", "--max-time", "2"] + trust + [url],
                host)
        case .listens(let address, let port):
            return try await succeeds(["bash", "-c", ": </dev/tcp/\(address)/\(port)"], host)
        case .resolves(let name):
            return try await host.run(
                "ip", ["netns", "exec", Layout.namespace, "getent", "ahostsv4", name]
            ).succeeded
        case .wrote(let path):
            return FileManager.default.fileExists(atPath: path)
        }
    }

    private func succeeds(_ command: [String], _ host: Host) async throws -> Bool {
        let whole = placed(command)
        return try await host.run(whole[0], Array(whole.dropFirst())).succeeded
    }

    /// A command in the network that the program is in.
    private func placed(_ command: [String]) -> [String] {
        (inCloud ? ["nsenter", "--net=\(Layout.namespacePath)"] : []) + command
    }
}
