import Model
import Store
import Wire

extension SupportBundle {
    /// One file of a node: what it is called, what is in it, and what the node is asked for it.
    private struct Sheet {
        let file: String
        let about: String
        let question: Question
    }

    private static let sheets =
        LogSource.allCases.map {
            Sheet(
                file: "\($0.rawValue).log", about: "its last lines",
                question: .logs($0, lines: logLines))
        }
        + Diagnostic.all.map {
            Sheet(
                file: "\($0.rawValue).txt", about: "what it says of itself",
                question: .diagnostics($0))
        }

    /// Asks every node for its logs and diagnostics; returns those that do not answer.
    func gatherNodes(
        _ witness: Witness, into contents: inout BundleContents
    ) async throws -> [NodeName] {
        var (nodes, silent): ([NodeName], [NodeName]) = ([], [])
        do { nodes = try known() } catch { contents.omit("nodes", "\(error)") }
        for node in nodes {
            for sheet in Self.sheets {
                let path = "nodes/\(node)/\(sheet.file)"
                let failure = try await contents.add(path, sheet.about) {
                    try await witness.answer(sheet.question, node)
                }
                if let failure, try await isAway(node, after: failure, witness) {
                    contents.omit("nodes/\(node)", "it does not answer; nothing more was asked")
                    silent.append(node)
                    break
                }
            }
        }
        return silent
    }

    /// One that is away would let each further question wait as long as this one. Who only took too
    /// long over what was asked answers another question, for which it starts nothing.
    private func isAway(
        _ node: NodeName, after failure: Failure, _ witness: Witness
    ) async throws -> Bool {
        guard failure.code == .timeout else { return failure.code == .unavailable }
        do { _ = try await witness.answer(.certificates, node) } catch {
            try Task.checkCancellation()
            return [.timeout, .unavailable].contains((error as? Failure)?.code)
        }
        return false
    }

    /// Those that Terraform made, and those that have reported.
    private func known() throws -> [NodeName] {
        let reported = try store.list(NodeStatus.self, .statuses).map(\.node)
        return try StageRun.machines(in: store).union(reported).sorted()
    }
}
