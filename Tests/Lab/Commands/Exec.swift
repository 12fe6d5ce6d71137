import ArgumentParser
import Outside

/// Becomes a program inside a node.
struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a program inside a node.")

    @Argument(help: "The node's name, instance id, Name tag or private address.")
    var node: String

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
    var command: [String]

    func run() async throws {
        try Spawn.become(
            "nsenter", try Node.named(node).entering(command),
            environment: Command.environmentBase.merging(["HOME": "/root", "TERM": "dumb"]) { $1 })
    }
}
