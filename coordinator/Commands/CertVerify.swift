import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

extension CertCommand {
    /// `jeeves cert verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare what clients are shown with each controller's disk and HAProxy.",
            discussion: """
                Shakes hands with the public address of each controller under the domain's
                name, and asks its agent what lies on disk and what HAProxy has in memory.
                Changes nothing. Exit status 0 if they agree and chain, name and dates are
                right, 3 if not.

                  jeeves cert verify
                  jeeves cert verify controller-1 --output json
                """)

        @OptionGroup var target: ProjectOptions

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        @Argument(help: "The controller; all if none is named.")
        var node: NodeName?

        func run() async throws {
            do {
                let tried = "verifying certificates"
                let nodes = try CertCommand.controllers(of: target, trying: tried).filter {
                    node == nil || $0.name == node
                }
                guard !nodes.isEmpty else {
                    throw Failure(
                        .notFound, "\(tried): \(node.map { "\($0)" } ?? "it") is no controller",
                        fix: "look at `jeeves cert list` for their names")
                }
                let found = try await compare(nodes)
                try output.write(found, table: Self.table)
                if let trouble = Self.verdict(found) { throw trouble }
            } catch { throw Ending.report(error) }
        }

        private func compare(
            _ nodes: [ClusterStatus.Node]
        ) async throws -> [CertificateComparison] {
            let check = try CertificateCheck(target.project(), world: World.live())
            return try await Asking.with(.certificates, target, resume: "jeeves cert verify") {
                ask in
                var all: [CertificateComparison] = []
                for node in nodes {
                    let answer: Result<String, any Error>
                    do { answer = .success(try await ask(node.name)) } catch let error as Failure {
                        answer = .failure(error)
                    }
                    all += await check.compare(node, answer: answer)
                }
                return all
            }
        }

        /// The first that is wrong, and how many are; nil if all are right.
        static func verdict(_ found: [CertificateComparison]) -> Failure? {
            let wrong = found.compactMap(\.trouble)
            guard let first = wrong.first else { return nil }
            let more = wrong.count > 1 ? " (and \(wrong.count - 1) more, see above)" : ""
            return Failure(first.code, first.message + more, fix: first.fix)
        }

        static func table(_ found: [CertificateComparison]) -> String {
            let rows = found.flatMap { line in
                let places = [("wire", line.wire), ("disk", line.disk), ("haproxy", line.haproxy)]
                return places.enumerated().map { index, entry in
                    let (name, place) = entry
                    let start =
                        index == 0
                        ? [line.node.rawValue, line.address, line.keyType.rawValue] : ["", "", ""]
                    return start + [
                        name, place.serial ?? "-",
                        place.certificate?.notAfter.formatted(.iso8601) ?? "-",
                        index == 0 ? (line.isRight ? "right" : "WRONG") : "", place.trouble ?? "",
                    ]
                }
            }
            let head = ["NODE", "ADDRESS", "KEY", "PLACE", "SERIAL", "UNTIL", "VERDICT", "TROUBLE"]
            return Terminal.table([head] + rows)
        }
    }
}
