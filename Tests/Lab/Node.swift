import Foundation
import Model
import Outside

/// A machine of the lab as the hypervisor has recorded it.
struct Node: Codable {
    let id: String
    /// The `Name` tag, which several controllers share.
    let name: String
    /// The name that its cluster has for it.
    let member: String
    /// The name of its network namespace and of its interface in the cloud.
    let short: String
    let address: String
    let publicAddress: String?
    /// systemd-nspawn, and process 1 of the machine once it has one.
    let process: ChildID?
    let leader: ChildID?

    static func all() throws -> [Node] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: Layout.nodes)
        return try (names ?? []).filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
            let path = "\(Layout.nodes)/\(name)"
            guard let data = FileManager.default.contents(atPath: path) else { return nil }
            return try JSON.decode(Node.self, from: data, what: path)
        }
    }

    /// The node with this name in its cluster, instance id, `Name` tag or private address. Throws
    /// `notFound`, or `conflict` if a name is not of one node alone.
    static func named(_ name: String) throws -> Node {
        let nodes = try all()
        let found = nodes.filter {
            [$0.member, $0.id, $0.short, $0.name, $0.address].contains(name)
        }
        let known = nodes.map { "\($0.id) (\($0.member), \($0.address))" }.joined(separator: ", ")
        guard let node = found.first else {
            throw Failure(
                .notFound, "looking for node \(name): the lab has no such node",
                fix: nodes.isEmpty ? "lab status" : "one of \(known)")
        }
        guard found.count == 1 else {
            throw Failure(
                .conflict, "looking for node \(name): \(found.count) nodes have that name",
                fix: "one of \(known)")
        }
        return node
    }

    /// The machine of a node, by the name that the cluster has for it. Throws `notFound`.
    static func machine(of name: String) throws -> Node {
        guard let node = try all().first(where: { $0.member == name }) else {
            throw Failure(.notFound, "looking for \(name): it is off, or there is none")
        }
        return node
    }

    /// Process 1 of the machine. Throws `unavailable` while it is off.
    func running() throws -> Int32 {
        guard let leader, Spawn.isAlive(leader) else {
            throw Failure(
                .unavailable, "reaching node \(member): it is not running",
                fix: "read \(Layout.log)/\(short).console")
        }
        return leader.pid
    }

    /// nsenter's arguments that run `command` inside the machine. Throws `unavailable` while it is
    /// off.
    func entering(_ command: [String]) throws -> [String] {
        [
            "--target=\(try running())", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
            "--root", "--wd", "--",
        ] + command
    }

    /// Runs a shell script inside the machine, to the first command of it that fails; returns what
    /// it prints. Throws `failed` unless it exits 0.
    @discardableResult
    func shell(_ script: String, input: String? = nil, on host: Host) async throws -> String {
        try await host.output("nsenter", entering(["/bin/sh", "-ec", script]), input: input)
    }
}
