import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves status`: what the whole cluster is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the cluster: machines, nodes, edge, DNS and the last rollout.",
        discussion: """
            Waits up to 45 seconds for the agents; --cached shows what they said last,
            and so it is beside a coordinator that runs already (`jeeves serve`,
            `jeeves up`). What is wrong is in the table; the exit status is 0 all the same.

              jeeves status
              jeeves status --output json
              jeeves status --cached
            """)

    @OptionGroup var target: ProjectOptions

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    @Flag(help: "Do not ask the agents; show their last reports with their age.")
    var cached = false

    func run() async throws {
        do {
            let status = try await Self.read(target, for: "jeeves status", cached: cached)
            let now = World.live().clock.now()
            try output.write(status, on: target.terminal) { Self.table($0, now: now) }
        } catch { throw Ending.report(error) }
    }

    /// Where a coordinator runs, the agents talk to that one, and it notes what they say.
    static func read(
        _ target: ProjectOptions, for verb: String, cached: Bool = false
    ) async throws -> ClusterStatus {
        let project = try target.project()
        guard !cached, try !ClusterStatus.isDriven(project, world: World.live()) else {
            return try ClusterStatus.cached(project, world: World.live())
        }
        let resumption = Resumption(verb, of: target)
        return try await Drive.run(target, resume: resumption) { try await $0.status() }
    }

    static func table(_ status: ClusterStatus, now: Date) -> String {
        var lines = ["cluster \(status.cluster), https://\(status.domain)"]
        if let rollout = status.rollout {
            let last = rollout.stages.last
            let detail = last.map {
                " (\($0.stage.rawValue): \($0.failure?.message ?? $0.summary))"
            }
            lines.append(
                "last rollout \(rollout.id): \(rollout.state.rawValue)"
                    + Printable.escape(detail ?? ""))
        }
        if !status.layers.isEmpty {
            let age = status.lookedAt.map { Duration.seconds(now.timeIntervalSince($0)) }
            lines += ["", "layers, looked at \(age?.ageText ?? "never") ago"]
            lines.append(
                Terminal.table(
                    [["LAYER", "STATE", "DETAIL"]]
                        + status.layers.map { [$0.name, $0.state.rawValue, $0.detail] }))
        }
        var rows = [["NODE", "ROLE", "ADDRESS", "INSTANCE", "STEP", "STATE", "AGE", "DETAIL"]]
        for node in status.nodes {
            let start = [
                node.name.rawValue + (node.revoked ? " (revoked)" : ""), node.role.rawValue,
                node.publicAddress.isEmpty ? node.address : node.publicAddress, node.instanceID,
            ]
            guard let report = node.status, !report.steps.isEmpty else {
                rows.append(start + ["-", "unknown", "-", "no report yet"])
                continue
            }
            for (index, step) in report.steps.enumerated() {
                rows.append(
                    (index == 0 ? start : ["", "", "", ""])
                        + [
                            step.id.rawValue, step.word(now: now), node.age, step.explanation,
                        ])
            }
        }
        return (lines + ["", Terminal.table(rows)] + drift(status)).joined(separator: "\n")
    }

    /// What somebody changed on the nodes, and what to do about it; empty for nothing.
    private static func drift(_ status: ClusterStatus) -> [String] {
        let found = status.nodes.flatMap { node in
            (node.status?.steps ?? []).compactMap { step in
                step.state.drift.map { (subject: "\(node.name)/\(step.id)", diff: $0.diff) }
            }
        }
        guard !found.isEmpty else { return [] }
        let diffs = found.filter { !$0.diff.isEmpty }
            .map { Printable.diff($0.diff, of: $0.subject) }
        return diffs.flatMap { ["", $0] } + [
            "",
            "drifted: \(found.map(\.subject).joined(separator: ", ")). `jeeves up` makes it right; "
                + "what is to stay belongs into the cluster file.",
        ]
    }
}
