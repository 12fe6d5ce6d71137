import Model
import Outside
import Tools
import Trust

/// Traefik behind the edge: its kinds, its rights, its configuration and its pods.
struct Ingress: Stage {
    let name = StageName.ingress
    static let rolloutMax = Duration.seconds(300)
    private static let kindsMax = Duration.seconds(60)

    func plan(_ run: StageRun) async throws -> [Change] {
        let subject = "deployment/\(TraefikManifest.deployment)"
        guard let cluster = try await ClusterAccess.ifReachable(run) else {
            return [.unknown(subject, until: .workers)]
        }
        return try await cluster.changes(
            to: kinds(run), else: Change(.update, "crd/*.traefik.io"), op: "ingress.kinds")
            + cluster.changes(
                to: manifest(cluster),
                else: Change(.update, subject, detail: "Traefik \(run.cluster.ingress.version)"),
                op: "ingress")
    }

    func content(_ run: StageRun) throws -> Digest? {
        // The cluster file's part of it: what the running cluster adds, no edit changes.
        let manifest = try TraefikManifest(run.cluster, trusted: [], kubernetes: nil)
        return try Hash.digest(of: [kinds(run), manifest.render()])
    }

    func run(_ run: StageRun) async throws -> String {
        let cluster = try await ClusterAccess.open(run)
        // Its kinds first: what uses a kind cannot be made before the API server serves it.
        var changed = try await cluster.converge(kinds(run), op: "ingress.kinds")
        _ = try await cluster.output(
            cluster.kubectl.wait(
                "Established", for: TraefikManifest.kinds.map { "crd/\($0).traefik.io" },
                timeout: Self.kindsMax),
            op: "ingress.kinds.wait", limits: Limits(deadline: Self.kindsMax + .seconds(30)))
        if try await cluster.converge(manifest(cluster), op: "ingress") { changed = true }
        try await rolledOut(cluster)
        return changed ? "Traefik \(run.cluster.ingress.version)" : nothingToDo
    }

    private func rolledOut(_ cluster: ClusterAccess) async throws {
        let namespace = TraefikManifest.namespace
        let finished = try await cluster.finished(
            cluster.kubectl.rolledOut(
                TraefikManifest.deployment, namespace: namespace, timeout: Self.rolloutMax),
            op: "ingress.wait", limits: Limits(deadline: Self.rolloutMax + .seconds(30)))
        guard !finished.succeeded else { return }
        let failure = await Diagnosis(cluster: cluster, namespace: namespace, selector: "").explain(
            Failure(.timeout, "waiting for Traefik: \(finished.sentence)"))
        throw try cluster.run.holding(name, content(cluster.run), failure)
    }

    private func kinds(_ run: StageRun) throws -> String {
        let path = "\(Assets.installed)/Manifests/traefik-crds.yaml"
        guard let text = try run.world.files.text(path) else { throw Assets.missing(path) }
        return text
    }

    /// Traefik believes the edge and nobody else: HAProxy runs on the first controller only.
    private func manifest(_ cluster: ClusterAccess) async throws -> String {
        let name = try cluster.run.infrastructure().edgeNode?.rawValue
        let members = try await cluster.members()
        guard let edge = members.first(where: { $0.name == name }) else {
            throw Failure(
                .notFound, "looking for the edge in the cluster: it is no member",
                fix: "look at `jeeves kubectl -- get nodes`")
        }
        return try TraefikManifest(
            cluster.run.cluster, trusted: edge.hops,
            kubernetes: ClusterAccess.kubernetes(of: members)
        ).render()
    }
}
