import Model
import Outside

/// Converges the controllers: packages, the edge and its certificate, MicroK8s.
struct Controllers: Stage {
    let name = StageName.controllers
    /// How the edge of a controller that changes is looked at.
    var talk: Gate.Talk = Gate.live
    private let convergence = Convergence(role: .controller)

    init(talk: @escaping Gate.Talk = Gate.live) { self.talk = talk }

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func content(_ run: StageRun) throws -> Digest? { try convergence.content(run) }

    func run(_ run: StageRun) async throws -> String {
        // Workers need nothing of a controller before they join: they begin meanwhile.
        try await Convergence(role: .worker).begin(run)
        let work = ControllerWork(run: run, convergence: convergence, talk: talk)
        let outcome = try await BatchWalk(convergence: convergence, run: run, work: work).walk()
        return outcome.summary(.controller)
    }
}

/// What controllers need besides their specs: an edge that answers from outside.
private struct ControllerWork: BatchWork {
    let run: StageRun
    let convergence: Convergence
    let talk: Gate.Talk

    func prepare(_ wish: Wish) async throws {}

    func converge(
        _ specs: [NodeSpec], isNew: Bool, until deadline: Duration?
    ) async throws -> Bool {
        try await convergence.wait(run, for: specs, until: deadline)
    }

    func troubles(of nodes: [NodeName]) async throws -> [NodeName: Failure] {
        let machines = try run.infrastructure().machines
        let gate = Verify(talk: talk)
        var found: [NodeName: Failure] = [:]
        for node in nodes {
            do {
                _ = try await gate.gate(run, at: machines[node]?.publicAddress).pass()
            } catch let failure as Failure { found[node] = Verify.advised(failure) }
        }
        return found
    }
}
