import Model
import Outside
import Tools

/// The routes from Traefik to the application's services.
struct Routes: Stage {
    let name = StageName.routes
    /// Set once the chat is behind the edge: from then on the gate wants to see the chat itself.
    static let servingKey = "serving"

    func plan(_ run: StageRun) async throws -> [Change] {
        let subject = "ingressroute/\(run.cluster.domain)"
        guard let cluster = try await ClusterAccess.ifReachable(run) else {
            return [.unknown(subject, until: .app)]
        }
        let services = try await services(cluster)
        let release = run.cluster.app.release
        guard services.contains(where: { $0.selector[RouteManifest.instanceLabel] == release })
        else { return [.unknown(subject, until: .app)] }
        let manifest = try RouteManifest(run.cluster, services: services).render()
        return try await cluster.changes(
            to: manifest, else: Change(.update, subject), op: "routes")
    }

    func run(_ run: StageRun) async throws -> String {
        let cluster = try await ClusterAccess.open(run)
        let manifest = try RouteManifest(run.cluster, services: await services(cluster))
        let changed = try await cluster.converge(manifest.render(), op: "routes")
        if try run.store.get(Bool.self, .meta, Self.servingKey) != true {
            try run.store.put(.meta, Self.servingKey, true)
        }
        return changed
            ? "\(manifest.domain) -> \(manifest.chat.name), \(manifest.streamer.name)"
            : nothingToDo
    }

    private func services(_ cluster: ClusterAccess) async throws -> [Kubectl.Service] {
        try Kubectl.services(
            await cluster.output(
                cluster.kubectl.list(
                    "services", namespace: cluster.run.cluster.app.namespace),
                op: "routes.services"))
    }
}
