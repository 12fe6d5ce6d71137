import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves cert`: the certificates that the controllers serve.
struct CertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: "Show, verify or renew the certificates that the controllers serve.",
        discussion: """
            They are renewed without these, by the agents.

              jeeves cert list
              jeeves cert verify
              jeeves cert renew
            """,
        subcommands: [List.self, Show.self, Verify.self, Renew.self])

    /// `jeeves cert show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show serial, expiry, next renewal, alert and last trouble of each.",
            discussion: """
                As the agents reported last; the age says when. What is wrong is in the
                table; the exit status is 0 all the same.

                  jeeves cert show
                  jeeves cert show --output json
                """)

        @OptionGroup var target: ProjectOptions

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        func run() async throws {
            do {
                let status = try await StatusCommand.read(target, for: "jeeves cert show")
                let found = status.certificates(now: World.live().clock.now())
                try output.write(found, on: target.terminal, table: Self.table)
            } catch { throw Ending.report(error) }
        }

        static func table(_ found: [ClusterStatus.Certificate]) -> String {
            let head = [
                "NODE", "KEY", "SERIAL", "UNTIL", "DAYS", "RENEWS FROM", "ALERT", "AGE",
                "TROUBLE",
            ]
            return Terminal.table(
                [head]
                    + found.map { line in
                        [
                            line.node.rawValue, line.certificate?.keyType?.rawValue ?? "-",
                            line.served?.serial ?? "-",
                            line.served?.notAfter.formatted(.iso8601) ?? "-",
                            line.daysLeft.map { "\($0)" } ?? "-",
                            line.served?.renewsFrom.formatted(.iso8601) ?? "-",
                            line.alert?.rawValue ?? "-", line.age,
                            line.trouble?.message ?? "-",
                        ]
                    })
        }
    }

    /// `jeeves cert renew`.
    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the certificates of the edge now.",
            discussion: """
                Whether they are due or not, but never past the order budget that keeps
                the CA from locking us out: what is refused says when the next try may be.
                One that was taken up and failed is tried again by its agent, within that
                budget, until it is renewed. Waits up to twelve minutes for each node.

                  jeeves cert renew
                  jeeves cert renew controller-1
                """)

        @OptionGroup var target: ProjectOptions

        @Argument(
            help: "The controllers (default: the edge, which is the first one).",
            transform: NodeName.typed)
        var nodes: [NodeName] = []

        func run() async throws {
            do {
                let edge = try CertCommand.edge(of: target, trying: "renewing certificates")
                try await Asking.each(
                    nodes.isEmpty ? [edge.name] : nodes, .renewCertificate, target,
                    resume: resumption
                ) { Terminal.write("\($0): \(Printable.escape($1))") }
            } catch { throw Ending.report(error) }
        }

        var resumption: Resumption {
            Resumption("jeeves cert renew", of: target, nodes.map(\.rawValue))
        }
    }

    /// As last reported. Throws `notFound` if there is none.
    static func edge(
        of target: ProjectOptions, trying tried: String
    ) throws -> ClusterStatus.Node {
        let status = try ClusterStatus.cached(target.project(), world: World.live())
        guard let edge = status.edge else {
            throw Failure(
                .notFound, "\(tried): there is no controller yet", fix: "run `jeeves up`")
        }
        return edge
    }
}
