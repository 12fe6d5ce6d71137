import ArgumentParser
import Foundation
import Model
import Outside

/// Plays scenarios of day two on the cluster that a demo has left, with a verdict after each part.
struct Trial: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change, break and mend the cluster that `lab demo` has left, and prove it.",
        discussion: "Scenarios, in the order in which all are played:\n\n" + list)

    @Argument(help: "The scenarios to play (default: all).")
    var names: [Scenario] = []

    @Option(help: "Folder with the Debian packages (make package).")
    var packages = ".build/packages"

    @Flag(help: "Only list the scenarios.")
    var list = false

    private static let list = Scenario.allCases.map {
        "  \($0.rawValue): \($0.abstract)."
    }.joined(separator: "\n")

    func run() async throws {
        if list { return say(Self.list) }
        try Preflight.checkRoot()
        let lock = try await Lock(Layout.lock, of: "making, trying or removing the lab")
        defer { lock.release() }
        let host = Host()
        let cluster = try LiveCluster(
            person: Operator(host: host), host: host, packages: BuiltPackages(folder: packages))
        // A trial that was killed has left it there.
        try await ServiceMove(cluster: cluster).back()
        guard try await isLive(cluster) else {
            throw Failure(
                .notFound, "looking for a live cluster: the lab has none",
                fix: "lab demo --packages \(packages)")
        }
        var verdicts = Verdicts()
        for scenario in names.isEmpty ? Scenario.allCases : names {
            say("== \(scenario.rawValue): \(scenario.abstract)")
            await scenario.play(cluster, &verdicts)
        }
        verdicts.close()
        guard verdicts.failed == 0 else { throw ExitCode(1) }
    }

    private func isLive(_ cluster: LiveCluster) async throws -> Bool {
        guard try !Node.all().isEmpty,
            FileManager.default.fileExists(atPath: "\(Operator.project)/jeeves.yaml")
        else { return false }
        return (try? await cluster.isLive()) == true
    }
}
