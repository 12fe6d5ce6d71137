import FoundationEssentials
import Model
import Outside
import Store
import Tools

/// Looks at each layer of a cluster from here, and waits for nothing that is away: what cannot be
/// asked is unknown. Reads only.
struct LayersLook: Sendable {
    typealias Layer = ClusterStatus.Layer

    struct Result: Codable, Sendable {
        let at: Date
        let layers: [Layer]
        /// What lies behind the layers inside the cluster; nil if that could not be asked.
        var sight: ClusterSight?
    }

    static let key = "layers"
    private static let limits = Limits(deadline: .seconds(20), outputBytesMax: 8 << 20)

    let run: StageRun

    /// The layers from the ground up; they are written down for who asks without a look.
    func look() async throws -> [Layer] {
        async let dns = layer("dns") { try await self.dns() }
        async let edge = layer("edge") { try await self.edge() }
        async let inside = insideCluster()
        let (lower, sight) = await inside
        let layers = await [layer("infra") { try self.infra() }, dns, edge] + lower
        try keep(Result(at: run.world.clock.now(), layers: layers, sight: sight))
        return layers
    }

    private func keep(_ found: Result) throws {
        let last = Write.put(.meta, Self.key, try JSON.encode(found))
        let history = StateHistory(subject: StateHistory.layers, store: run.store)
        try run.store.commit([], [last] + (history.writes(of: found.layers, now: found.at) ?? []))
    }

    private func layer(
        _ name: String, _ look: () async throws -> (isRight: Bool, detail: String)
    ) async -> Layer {
        do {
            let found = try await look()
            return Layer(name: name, state: found.isRight ? .right : .wrong, detail: found.detail)
        } catch {
            return Layer(
                name: name, state: .unknown, detail: Failure(error, trying: "looking").message)
        }
    }

    private func infra() throws -> (Bool, String) {
        let found = try run.infrastructure()
        let (controllers, workers) = (found.nodes(.controller).count, found.nodes(.worker).count)
        return (
            true, "account \(found.account), controllers \(controllers), workers \(workers)"
        )
    }

    private func dns() async throws -> (Bool, String) {
        let domain = run.cluster.domain
        let zone = try await run.cloud.route53.zone(for: domain, id: run.cluster.dns.zoneID)
        let servers = try await run.cloud.route53.nameServers(of: zone)
        guard let server = servers.first else { return (false, "the zone has no name servers") }
        let found = try await run.cloud.lookup(domain, at: server)
        let wanted = try run.infrastructure().edgeAddress
        return (
            !found.isEmpty && found.allSatisfy { $0 == wanted },
            "\(domain) -> \(found.isEmpty ? "nothing" : found.joined(separator: ", "))"
        )
    }

    private func edge() async throws -> (Bool, String) {
        // What keeps us from asking the zone is no fault of the edge.
        let address = try await Verify().gate(run).lookup(run.cluster.domain).first
        do {
            let verdict = try await Verify().gate(run, at: address).pass()
            try run.store.put(.meta, Verify.verdictKey, verdict)
            return (true, verdict.summary)
        } catch let failure as Failure { return (false, failure.message) }
    }

    /// Nil for what lies behind if no controller can be asked.
    func insideCluster() async -> ([Layer], ClusterSight?) {
        guard let cluster = try? await ClusterAccess.ifReachable(run) else {
            let layers = ["cluster", "ingress", "app"].map {
                Layer(name: $0, state: .unknown, detail: "no controller is connected")
            }
            return (layers, nil)
        }
        var sight = ClusterSight()
        let layers = await [
            layer("cluster") {
                let members = try Kubectl.members(
                    await output(cluster.kubectl.nodes(), op: "status.nodes"))
                sight.members = members
                let ready = members.count { $0.isReady }
                return (
                    ready == members.count, "\(ready) of \(members.count) nodes ready"
                )
            },
            layer("ingress") {
                let pods = try await workloads(cluster, TraefikManifest.namespace)
                sight.ingress = pods
                let found = Self.readiness(pods)
                return (found.isRight, "Traefik \(run.cluster.ingress.version), \(found.detail)")
            },
            layer("app") {
                let pods = try await workloads(cluster, run.cluster.app.namespace)
                sight.app = pods
                return try await app(cluster, pods)
            },
        ]
        return (layers, sight)
    }

    private func app(
        _ cluster: ClusterAccess, _ pods: [Kubectl.Workload]
    ) async throws -> (Bool, String) {
        let app = run.cluster.app
        let last = try Helm.revisions(
            await run.world.processes.run(
                cluster.helm.history(app.release, namespace: app.namespace),
                limits: Self.limits, op: "status.release")
        ).last
        guard let last else { return (false, "release \(app.release) is not there") }
        let found = Self.readiness(pods)
        return (
            found.isRight && last.status == "deployed",
            "release \(app.release) revision \(last.revision) \(last.status), "
                + found.detail
        )
    }

    private func workloads(
        _ cluster: ClusterAccess, _ namespace: String
    ) async throws -> [Kubectl.Workload] {
        try Kubectl.workloads(
            await output(
                cluster.kubectl.list("pods", namespace: namespace), op: "status.pods"))
    }

    private static func readiness(
        _ workloads: [Kubectl.Workload]
    ) -> (isRight: Bool, detail: String) {
        let (ready, all) = (workloads.ready, workloads.all)
        return (all > 0 && ready == all, "\(ready) of \(all) pods ready")
    }

    private func output(_ command: Command, op: Op) async throws -> String {
        try await run.world.processes.output(of: command, limits: Self.limits, op: op)
    }
}
