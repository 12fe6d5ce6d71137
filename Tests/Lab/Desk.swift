import Foundation
import Model
import Outside

/// A machine of the operator's own, with a systemd: a node's disk in the network in which `lab run`
/// is too, so that the addresses of the cluster file lead to it.
struct Desk: Sendable {
    private static let folder = "\(Layout.state)/nodes/desk"
    /// Its disk as this machine sees it.
    static let disk = "\(folder)/root"
    private static let record = "\(Layout.run)/desk.json"
    private static let bootMax = Duration.seconds(60)
    /// What root has there, and nothing of the person who runs the lab.
    private static let environment =
        ["/usr/bin/env", "--ignore-environment", "HOME=/root", "DEBIAN_FRONTEND=noninteractive"]
        + Command.environmentBase.map { "\($0.key)=\($0.value)" }.sorted()

    let host: Host

    /// Whether it has a disk, running or not.
    static var isThere: Bool { FileManager.default.fileExists(atPath: folder) }

    private var node: Node {
        Node(
            id: "desk", name: "desk", member: "desk", short: "jl-desk",
            address: Layout.Address.operatorHost, publicAddress: nil, process: nil,
            leader: Service.child(recordedIn: Self.record))
    }

    /// Returns when its systemd has started everything. Each of `binds` is a folder that it sees
    /// read-only, as systemd-nspawn's `source:target`.
    func boot(binds: [String]) async throws {
        let image = try await NodeImage.build(host: host, cache: Cache())
        try await tell("boot", [image.root, Layout.namespace] + binds)
        _ = try await World.live().clock.poll(
            every: .milliseconds(500), atMost: Self.bootMax, waitingFor: "the operator's machine",
            op: "desk.boot"
        ) {
            let state = try? await run("systemctl is-system-running").output
            // Degraded: a unit that a container cannot have.
            return ["running\n", "degraded\n"].contains(state ?? "") ? true : nil
        }
    }

    /// Ends all that runs there; the disk stays.
    func kill() async throws { try await tell("kill") }

    /// Leaves nothing of it.
    func remove() async throws { try await tell("remove") }

    /// Runs a shell script there as root, to the first command of it that fails. How it ends is a
    /// value. Throws `unavailable` while the machine is off.
    func run(_ script: String, deadline: Duration = .seconds(60)) async throws -> Finished {
        try await host.run(
            "nsenter", node.entering(Self.environment + ["/bin/sh", "-ec", script]),
            deadline: deadline)
    }

    /// As `run`; returns what it prints. Throws `failed` unless it exits 0.
    @discardableResult
    func output(_ script: String, deadline: Duration = .seconds(60)) async throws -> String {
        let finished = try await run(script, deadline: deadline)
        guard finished.succeeded else {
            throw Failure(.failed, "running `\(script)` at the desk: \(finished.sentence)")
        }
        return finished.output
    }

    private func tell(_ verb: String, _ more: [String] = []) async throws {
        try await host.output(
            "python3",
            ["-B", "\(Layout.standins)/aws/desk.py", verb, Layout.run, Layout.state] + more)
    }
}
