import ArgumentParser
import Outside

/// Becomes a program inside a node.
struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a program inside a node.")

    @Argument(help: "The node's instance id, Name tag or private address.")
    var node: String

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
    var command: [String]

    func run() async throws {
        let leader = try Node.named(node).running()
        try Spawn.become(
            "nsenter",
            [
                "--target=\(leader)", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "--root", "--wd", "--",
            ] + command,
            environment: Command.environmentBase.merging(["HOME": "/root", "TERM": "dumb"]) { $1 })
    }
}
