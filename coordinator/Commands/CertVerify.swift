import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

extension CertCommand {
    /// `jeeves cert verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare what clients are shown with the edge's disk and HAProxy.",
            discussion: """
                Shakes hands with the public address of the edge under the domain's name,
                and asks its agent what lies on disk and what HAProxy has in memory.
                Changes nothing. Exit status 0 if they agree and chain, name and dates are
                right, 3 if not.

                  jeeves cert verify
                  jeeves cert verify controller-1 --output json
                """)

        @OptionGroup var target: ProjectOptions

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        @Argument(
            help: "The edge's name, which need not be given.", transform: NodeName.typed)
        var node: NodeName?

        func run() async throws {
            do {
                let tried = "verifying certificates"
                let edge = try CertCommand.edge(of: target, trying: tried)
                if let node, node != edge.name {
                    throw Failure(
                        .notFound, "\(tried): \(node) is not the edge",
                        fix: "run `jeeves cert verify \(edge.name)`")
                }
                let found = try await compare(edge)
                try output.write(found, on: target.terminal, table: Self.table)
                if let trouble = Self.verdict(found) { throw trouble }
            } catch { throw Ending.report(error) }
        }

        private func compare(
            _ edge: ClusterStatus.Node
        ) async throws -> [CertificateComparison] {
            let check = try CertificateCheck(target.project(), world: World.live())
            let resumption = Resumption("jeeves cert verify", of: target)
            return try await Asking.with(.certificates, target, resume: resumption) { ask in
                let answer: Result<String, any Error>
                do { answer = .success(try await ask(edge.name)) } catch let error as Failure {
                    answer = .failure(error)
                }
                return await check.compare(edge, answer: answer)
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
