import ArgumentParser
import Foundation
import Model

/// Becomes a shell of the person who types `jeeves`: on their machine, in their project folder.
struct Shell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Become the lab's operator: a shell in the folder of jeeves.yaml.",
        discussion: """
            `jeeves`, Terraform, kubectl and Helm are on its PATH, the account's credentials in its
            environment. What follows -- is run instead of a shell. `exit` leaves.

              lab shell
              lab shell -- jeeves status
            """)

    @Argument(parsing: .postTerminator, help: "A program and its arguments, after --.")
    var command: [String] = []

    func run() async throws {
        guard FileManager.default.fileExists(atPath: Operator.project),
            FileManager.default.fileExists(atPath: Layout.namespacePath)
        else {
            throw Failure(
                .notFound, "opening the operator's shell: the lab has none", fix: "make demo")
        }
        let own = ProcessInfo.processInfo.environment
        let place = ["--chdir=\(Operator.project)", Host.find("ip") ?? "/usr/sbin/ip"]
        try Spawn.become(
            "env", place + Operator.wrapped(command.isEmpty ? ["/bin/bash"] : command),
            environment: Operator.environment(from: own.filter { !$0.key.hasPrefix("AWS_") }))
    }
}
