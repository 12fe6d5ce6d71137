import Model

/// Converges the controllers: packages, the edge and its certificate, MicroK8s.
struct Controllers: Stage {
    let name = StageName.controllers
    private let convergence = Convergence(role: .controller)

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func run(_ run: StageRun) async throws -> String {
        let specs = try await convergence.assign(run)
        // Workers need nothing of a controller before they join: they begin meanwhile.
        _ = try await Convergence(role: .worker).assign(run)
        let changed = try await convergence.wait(run, for: specs)
        return changed ? "\(specs.count) converged" : nothingToDo
    }
}
