import Model
import Outside

/// Converges the workers and joins them to the cluster, one at a time. A worker whose MicroK8s
/// changes is drained before and opened again afterwards.
struct Workers: Stage {
    let name = StageName.workers
    private let convergence = Convergence(role: .worker)

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func content(_ run: StageRun) throws -> Digest? { try convergence.content(run) }

    func run(_ run: StageRun) async throws -> String {
        try await Leave(run: run).finish()
        try await Drain.settle(run)
        try await openRight(run)
        let work = WorkerWork(run: run)
        let outcome = try await BatchWalk(convergence: convergence, run: run, work: work).walk()
        return outcome.summary(.worker)
    }

    /// Opens those that are right with what they have and were closed for a change: a coordinator
    /// that was killed left them so. While they stay closed until their turn, another one is
    /// emptied beside them.
    private func openRight(_ run: StageRun) async throws {
        let right = try await convergence.wishes(run).filter(\.isRight)
        guard !right.isEmpty else { return }
        let cluster: ClusterAccess
        let closed: Set<String>
        do {
            cluster = try await ClusterAccess.open(run)
            closed = Set(try await cluster.members().filter(\.isClosedByUs).map(\.name))
        } catch let failure as Failure where failure.mayPass {
            // What does not answer is told by the batch that needs it; nothing is emptied then.
            return
        }
        for node in right.map(\.spec.node) where closed.contains(node.rawValue) {
            try await Drain(cluster: cluster).open(node)
        }
    }
}

/// What workers need besides their specs: no pods while their MicroK8s changes.
private struct WorkerWork: BatchWork {
    let run: StageRun

    func prepare(_ wish: Wish) async throws {
        // Of one that obeys what is not known here, anything may change.
        guard wish.saved == nil || Drain.isNeeded(from: wish.saved, to: wish.spec) else { return }
        let cluster = try await ClusterAccess.beforeChange { try await ClusterAccess.open(run) }
        try await Drain(cluster: cluster).empty(wish.spec.node)
    }

    func troubles(of nodes: [NodeName]) async throws -> [NodeName: Failure] {
        try await ClusterAccess.open(run).unready(nodes)
    }
}
