import Model
import Outside
import Tools

/// The routes from Traefik to the application's services, and the budgets that let it serve while a
/// node is emptied.
struct Routes: Stage {
    let name = StageName.routes
    /// Set once the chat is behind the edge: from then on the gate wants to see the chat itself.
    static let servingKey = "serving"
    private static let deletion = Limits(deadline: .seconds(90))

    func plan(_ run: StageRun) async throws -> [Change] {
        let subject = "ingressroute/\(run.cluster.domain)"
        guard let cluster = try await ClusterAccess.ifReachable(run) else {
            return [.unknown(subject, until: .app)]
        }
        let services = try await services(cluster)
        let release = run.cluster.app.release
        guard services.contains(where: { $0.selector[RouteManifest.instanceLabel] == release })
        else { return [.unknown(subject, until: .app)] }
        let routes = try RouteManifest(run.cluster, services: services)
        let budgets = try await budgets(cluster)
        return try await cluster.changes(
            to: text(routes, budgets, cluster), else: Change(.update, subject), op: "routes")
            + budgets.surplus.map { Change(.delete, "\(Self.budget)/\($0)") }
    }

    func run(_ run: StageRun) async throws -> String {
        let cluster = try await ClusterAccess.open(run)
        let routes = try RouteManifest(run.cluster, services: await services(cluster))
        let budgets = try await budgets(cluster)
        for name in budgets.surplus {
            _ = try await cluster.output(
                cluster.kubectl.delete(Self.budget, name, namespace: run.cluster.app.namespace),
                op: "routes.budgets.delete", limits: Self.deletion)
        }
        let changed = try await cluster.converge(text(routes, budgets, cluster), op: "routes")
        if try run.store.get(Bool.self, .meta, Self.servingKey) != true {
            try run.store.put(.meta, Self.servingKey, true)
        }
        return changed || !budgets.surplus.isEmpty
            ? "\(routes.domain) -> \(routes.chat.name), \(routes.streamer.name)"
            : nothingToDo
    }

    private static let budget = "poddisruptionbudget"

    private func text(
        _ routes: RouteManifest, _ budgets: BudgetManifest, _ cluster: ClusterAccess
    ) async throws -> String {
        let kubernetes = try ClusterAccess.kubernetes(of: await cluster.members())
        return try ([routes.render()] + budgets.documents(for: kubernetes))
            .joined(separator: "---\n")
    }

    private func services(_ cluster: ClusterAccess) async throws -> [Kubectl.Service] {
        try Kubectl.services(await list("services", cluster))
    }

    private func budgets(_ cluster: ClusterAccess) async throws -> BudgetManifest {
        let app = cluster.run.cluster.app
        return BudgetManifest(
            namespace: app.namespace,
            deployments: try Kubectl.podTemplates(
                await list(
                    "deployments", cluster, selector: RouteManifest.selector(of: app.release))),
            existing: try Kubectl.budgets(await list("poddisruptionbudgets", cluster)))
    }

    private func list(
        _ kind: String, _ cluster: ClusterAccess, selector: String = ""
    ) async throws -> String {
        try await cluster.output(
            cluster.kubectl.list(
                kind, namespace: cluster.run.cluster.app.namespace, selector: selector),
            op: "routes.\(kind)")
    }
}
