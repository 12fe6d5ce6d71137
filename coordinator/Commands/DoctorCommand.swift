import ArgumentParser
import Coordinator
import Model

/// `jeeves doctor`: what of the cluster does not fit together.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find what does not fit: machines, EC2, agents, Kubernetes and HAProxy.",
        discussion: """
            Compares the machines that Terraform made, EC2's instances with the cluster's
            tag, the agents that are connected, Kubernetes' members and HAProxy on the
            edge, and looks for what rollouts left behind. Waits up to 45 seconds for the
            agents. Changes nothing without --fix. Exit status 3 with a problem; what
            could not be asked is one too.

            --fix removes members of Kubernetes that are neither machines of ours nor
            ready, and opens workers that a rollout closed and forgot; nothing else. Asks
            first, unless --yes is given; exit status 7 if that was not confirmed.

              jeeves doctor
              jeeves doctor --output json
              jeeves doctor --fix
              jeeves doctor --fix --yes
            """)

    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    @Flag(help: "Remove stale members and open forgotten workers.")
    var fix = false

    @Flag(help: "Do not ask.")
    var yes = false

    func validate() throws {
        if yes, !fix { throw ValidationError("--yes goes with --fix only.") }
    }

    func run() async throws {
        let found = try await Drive.run(
            target, resume: resumption, waits: place.waits
        ) { [fix, yes] driver in
            let found = try await driver.examine()
            guard fix else { return found }
            if !yes, !found.remedies.isEmpty {
                try Terminal.require(
                    found.cluster.rawValue, Self.question(found), trying: "mending \(found.cluster)"
                )
            }
            return try await driver.mend(found)
        }
        do {
            try output.write(found, on: target.terminal, table: Self.table)
            if let verdict = Self.verdict(found) { throw verdict }
        } catch { throw Ending.report(error) }
    }

    var resumption: Resumption {
        Resumption("jeeves doctor", of: target, place.words + Resumption.flag("--fix", fix))
    }

    static func question(_ found: Examination) -> String {
        let lines = found.remedies.map { "  \($0.sentence)" }
        return ([table(found), "", "This will:"] + lines).joined(separator: "\n")
    }

    static func table(_ found: Examination) -> String {
        var parts: [String] = []
        if !found.fixed.isEmpty {
            parts.append(found.fixed.map { "fixed: \($0)" }.joined(separator: "\n"))
        }
        if !found.findings.isEmpty {
            let rows = found.findings.map {
                [$0.severity.rawValue, $0.subject, $0.what, $0.next]
            }
            parts.append(Terminal.table([["SEVERITY", "SUBJECT", "WHAT", "NEXT"]] + rows))
            parts += found.findings.filter { !$0.diff.isEmpty }
                .map { Printable.diff($0.diff, of: $0.subject) }
        }
        let problems = found.problems.count
        parts.append(
            (problems == 0 ? "No problems found." : "Problems: \(problems).")
                + " Compared: \(found.compared).")
        return parts.joined(separator: "\n\n")
    }

    /// Nil without a problem.
    static func verdict(_ found: Examination) -> Failure? {
        guard let first = found.problems.first else { return nil }
        let problems = found.problems.count
        return Failure(
            .gate,
            "examining \(found.cluster): \(problems) problem\(problems == 1 ? "" : "s") found",
            fix: found.remedies.isEmpty ? first.next : "jeeves doctor --fix")
    }
}
