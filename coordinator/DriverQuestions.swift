import Model
import Outside

/// What a person asks of a running cluster.
extension Driver {
    /// Path of a kubeconfig that works while this coordinator runs.
    public func kubeconfig() async throws -> String {
        try await ClusterAccess.open(run).kubectl.kubeconfig
    }

    /// The answer of a node, which is given the time to connect first.
    public func ask(_ question: Question, of node: NodeName) async throws -> String {
        try await run.answer(to: question, of: run.awaitAny(of: [node]))
    }
}
