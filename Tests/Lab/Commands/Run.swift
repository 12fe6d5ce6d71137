import ArgumentParser
import Foundation
import Model

/// Becomes a program on the operator's machine of the lab: in the cloud's network, with its
/// resolver and the credentials of its account.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program in the lab's network, with its resolver and AWS account.")

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
    var command: [String]

    func run() async throws {
        guard FileManager.default.fileExists(atPath: Layout.namespacePath) else {
            throw Failure(.notFound, "running in the lab: there is no lab", fix: "lab up")
        }
        // Nothing in there is reached through the machine's proxies or with its AWS profile.
        let own = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.uppercased().hasSuffix("_PROXY") && !name.hasPrefix("AWS_")
        }
        try Spawn.become(
            "ip", ["netns", "exec", Layout.namespace] + command,
            environment: own.merging(Layout.awsEnvironment) { $1 })
    }
}
