import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves dns`: the record that leads people to the edge.
struct DNSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dns",
        abstract: "Look at the domain's record, or point it at the edge again.",
        discussion: """
              jeeves dns show
              jeeves dns sync
            """,
        subcommands: [Show.self, Sync.self])

    /// `jeeves dns show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where the domain leads, and where it should.",
            discussion: """
                Asks Route 53, each of the zone's own name servers, and EC2 for the address
                of the first controller. Changes nothing. Exit status 0 if all agree, 3 if
                not.

                  jeeves dns show
                  jeeves dns show --output json
                """)

        @OptionGroup var target: ProjectOptions

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        func run() async throws {
            do {
                let report = try await RecordReport.read(
                    target.project(), environment: Working.environment, world: World.live(),
                    say: { [terminal = target.terminal] in terminal.remark("    \($0)") })
                try output.write(report, on: target.terminal, table: Self.table)
                if let trouble = report.trouble { throw trouble }
            } catch { throw Ending.report(error) }
        }

        static func table(_ report: RecordReport) -> String {
            var rows = [["PLACE", "ADDRESS", "DETAIL"]]
            rows.append(["controller", report.machine ?? "-", "as EC2 says"])
            if report.made != report.machine {
                rows.append(["", report.made ?? "-", "as Terraform made it"])
            }
            rows.append([
                "record", list(report.record?.values ?? []),
                report.record.map { "zone \(report.zone), TTL \($0.ttl) s" }
                    ?? "none in zone \(report.zone)",
            ])
            rows += report.answers.map { [$0.server, list($0.addresses), $0.trouble ?? ""] }
            return "\(report.domain)\n" + Terminal.table(rows)
        }

        private static func list(_ addresses: [String]) -> String {
            addresses.isEmpty ? "-" : addresses.joined(separator: ", ")
        }
    }

    /// `jeeves dns sync`.
    struct Sync: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Point the domain at the first controller, wherever that is now.",
            discussion: """
                For an address that has moved. Done only when the zone's own servers answer
                with it. If the machine has lost the address that Terraform gave it,
                the next `jeeves up` gives that back, and the record follows. Exit status
                7 if the record holds a value that Jeeves did not write.

                  jeeves dns sync
                  jeeves dns sync --dry-run
                  jeeves dns sync --take-dns
                """)

        @OptionGroup var target: ProjectOptions

        @Flag(help: "Only say what would change.")
        var dryRun = false

        @Flag(help: "Overwrite a record that holds another value.")
        var takeDNS = false

        func run() async throws {
            let options = RolloutOptions(takeDNS: takeDNS)
            let dryRun = dryRun
            let lines = try await Drive.run(target, rollout: options, resume: resumption) {
                try await dryRun
                    ? $0.planRecord().map { "\($0.subject): \($0.words)" }
                    : $0.syncRecord().stages.map(\.summary)
            }
            Terminal.write(lines.isEmpty ? "No changes." : lines.joined(separator: "\n"))
        }

        var resumption: Resumption {
            let flags =
                Resumption.flag("--dry-run", dryRun) + Resumption.flag("--take-dns", takeDNS)
            return Resumption("jeeves dns sync", of: target, flags)
        }
    }
}
