import Model
import Outside

/// Converges the controllers: the first one with the edge, its certificate and MicroK8s, then all
/// others, which join its control plane one at a time.
struct Controllers: Stage {
    let name = StageName.controllers
    /// How the edge of a controller that changes is looked at.
    var talk: Gate.Talk = Gate.live
    private let convergence = Convergence(role: .controller)

    init(talk: @escaping Gate.Talk = Gate.live) { self.talk = talk }

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func content(_ run: StageRun) throws -> Digest? { try convergence.content(run) }

    func run(_ run: StageRun) async throws -> String {
        try run.noteFounder()
        try await Leave(run: run).finish(succeeded: .controller)
        try await Drain.settle(run)
        // Workers need nothing of a controller before they join: they begin meanwhile.
        try await Convergence(role: .worker).begin(run)
        let work = ControllerWork(run: run, talk: talk)
        let outcome = try await BatchWalk(convergence: convergence, run: run, work: work).walk()
        return outcome.summary(.controller)
    }
}

/// What controllers need besides their specs: membership in one control plane, which keeps its
/// majority, and an edge that answers from outside.
private struct ControllerWork: BatchWork {
    let run: StageRun
    let talk: Gate.Talk

    /// Its MicroK8s stops while it changes; a spec that was handed before is no change.
    func prepare(_ wish: Wish) async throws {
        guard wish.saved?.microk8s != wish.spec.microk8s, try hasOthers() else { return }
        let cluster = try await ClusterAccess.beforeChange { try await ClusterAccess.open(run) }
        try await cluster.quorum().admitChange(of: wish.spec.node)
    }

    /// One that is alone is judged by its edge: there is nobody else to say whether it is ready.
    func troubles(of nodes: [NodeName]) async throws -> [NodeName: Failure] {
        var found = try hasOthers() ? await ClusterAccess.open(run).unready(nodes) : [:]
        let known = try run.infrastructure()
        guard let edge = known.edgeNode, nodes.contains(edge) else { return found }
        do {
            let address = known.machines[edge]?.publicAddress
            _ = try await Verify(talk: talk).gate(run, at: address).pass()
        } catch let failure as Failure { found[edge] = Verify.advised(failure) }
        return found
    }

    private func hasOthers() throws -> Bool {
        try run.infrastructure().nodes(.controller).count > 1
    }
}
