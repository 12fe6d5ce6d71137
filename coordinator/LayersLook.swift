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
    }

    static let key = "layers"
    private static let limits = Limits(deadline: .seconds(20), outputBytesMax: 8 << 20)

    let run: StageRun

    /// The layers from the ground up; they are written down for who asks without a look.
    func look() async throws -> [Layer] {
        async let dns = layer("dns") { try await self.dns() }
        async let edge = layer("edge") { try await self.edge() }
        async let inside = insideCluster()
        let layers = await [layer("infra") { try self.infra() }, dns, edge] + inside
        try keep(layers, now: run.world.clock.now())
        return layers
    }

    private func keep(_ layers: [Layer], now: Date) throws {
        let last = Write.put(.meta, Self.key, try JSON.encode(Result(at: now, layers: layers)))
        let history = StateHistory(subject: StateHistory.layers, store: run.store)
        try run.store.commit([], [last] + (history.writes(of: layers, now: now) ?? []))
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
        do {
            let verdict = try await Verify().gate(run).pass()
            try run.store.put(.meta, Verify.verdictKey, verdict)
            return (true, verdict.summary)
        } catch let failure as Failure { return (false, failure.message) }
    }

    private func insideCluster() async -> [Layer] {
        guard let cluster = try? await ClusterAccess.ifReachable(run) else {
            return ["cluster", "ingress", "app"].map {
                Layer(name: $0, state: .unknown, detail: "no controller is connected")
            }
        }
        return await [
            layer("cluster") {
                let members = try Kubectl.members(
                    await output(cluster.kubectl.nodes(), op: "status.nodes"))
                let ready = members.count { $0.isReady }
                return (
                    ready == members.count, "\(ready) of \(members.count) nodes ready"
                )
            },
            layer("ingress") {
                let pods = try await pods(cluster, TraefikManifest.namespace)
                return (pods.isRight, "Traefik \(run.cluster.ingress.version), \(pods.detail)")
            },
            layer("app") {
                let app = run.cluster.app
                let last = try Helm.revisions(
                    await run.world.processes.run(
                        cluster.helm.history(app.release, namespace: app.namespace),
                        limits: Self.limits, op: "status.release")
                ).last
                guard let last else { return (false, "release \(app.release) is not there") }
                let pods = try await pods(cluster, app.namespace)
                return (
                    pods.isRight && last.status == "deployed",
                    "release \(app.release) revision \(last.revision) \(last.status), "
                        + pods.detail
                )
            },
        ]
    }

    private func pods(
        _ cluster: ClusterAccess, _ namespace: String
    ) async throws -> (isRight: Bool, detail: String) {
        let (ready, all) = try Kubectl.readiness(
            await output(
                cluster.kubectl.list("pods", namespace: namespace), op: "status.pods"))
        return (all > 0 && ready == all, "\(ready) of \(all) pods ready")
    }

    private func output(_ command: Command, op: Op) async throws -> String {
        try await run.world.processes.output(of: command, limits: Self.limits, op: op)
    }
}
