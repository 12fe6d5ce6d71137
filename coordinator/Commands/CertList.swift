import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

extension CertCommand {
    /// `jeeves cert list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every certificate of every controller in a line.",
            discussion: """
                As the agents reported last. LEFT is the part of its lifetime that is left:
                it is renewed at about a third, and below a quarter it is in trouble.

                  jeeves cert list
                  jeeves cert list --output json
                """)

        @OptionGroup var target: ProjectOptions

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        func run() async throws {
            do {
                let status = try await StatusCommand.read(target, for: "jeeves cert list")
                let now = World.live().clock.now()
                try output.write(status.certificates(now: now), on: target.terminal) {
                    Self.table($0, now: now)
                }
            } catch { throw Ending.report(error) }
        }

        static func table(_ found: [ClusterStatus.Certificate], now: Date) -> String {
            let head = ["NODE", "NAMES", "KEY", "ISSUER", "EXPIRES", "LEFT", "STATE"]
            return Terminal.table(
                [head]
                    + found.map { line in
                        [
                            line.node.rawValue, names(line.certificate),
                            line.certificate?.keyType?.rawValue ?? "-",
                            line.certificate?.issuer ?? "-",
                            line.served.map { expiry($0.notAfter, now: now) } ?? "-",
                            left(line), state(line),
                        ]
                    })
        }

        private static func names(_ certificate: PublicCertificate?) -> String {
            guard let names = certificate?.names, !names.isEmpty else { return "-" }
            let shown = names.prefix(3).joined(separator: ", ")
            return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
        }

        private static func expiry(_ date: Date, now: Date) -> String {
            let seconds = date.timeIntervalSince(now)
            let words = Duration.seconds(abs(seconds)).words
            let distance = seconds > 0 ? "in \(words)" : "\(words) ago"
            return "\(date.formatted(.iso8601)), \(distance)"
        }

        private static func left(_ line: ClusterStatus.Certificate) -> String {
            guard line.served != nil else { return "-" }
            return line.left.map { "\(Int(($0 * 100).rounded(.down))) %" } ?? "unknown"
        }

        private static func state(_ line: ClusterStatus.Certificate) -> String {
            let alert = line.alert.flatMap { $0 == .quiet ? nil : $0.rawValue }
            return [line.state ?? "no report yet", alert].compactMap(\.self)
                .joined(separator: ", ")
        }
    }
}
