import Model
import Outside
import Wire

/// What a person asks of a running cluster.
extension Driver {
    /// Path of a kubeconfig that works while this coordinator runs.
    public func kubeconfig() async throws -> String {
        try await ClusterAccess.open(run).kubectl.kubeconfig
    }

    /// What ``logs(_:source:lines:)`` can be asked for.
    public static let logSources = LogSource.allCases.map(\.rawValue)

    /// The last journal lines of a node. Throws `invalid` for an unknown source.
    public func logs(_ node: NodeName, source: String, lines: Int) async throws -> String {
        guard let source = LogSource(rawValue: source) else {
            throw Failure(
                .invalid, "asking for the log \"\(source)\": there is none of that name",
                fix: "choose one of \(Self.logSources.joined(separator: ", "))")
        }
        let connected = try await run.awaitAny(of: [node])
        let answer = try await run.downlinks.ask(
            connected, .logs(source, lines: lines), deadline: .seconds(30))
        guard case .text(let text) = answer else {
            throw Failure(.invalid, "asking \(node) for its log: it answered something else")
        }
        return text
    }
}
