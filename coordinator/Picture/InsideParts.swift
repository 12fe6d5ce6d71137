import Model
import Tools

/// What a request meets inside the cluster: Traefik and the application's pods, and the API server
/// that keeps them there.
struct InsideParts {
    let known: Knowledge

    var parts: [Picture.Part] { [ingress, app] + services + [api] }

    private var ingress: Picture.Part {
        let found = known.made(by: [.ingress], known.layer("ingress"))
        let pods = known.freshSight?.ingress ?? []
        let why = [found.why] + pods.flatMap(\.troubles).prefix(1).map { "\($0.pod): \($0.why)" }
        return Picture.Part(
            id: PartID(.ingress), state: found.state, why: why.joined(separator: "; "),
            next: found.state == .right
                ? "" : describe("pods", in: TraefikManifest.namespace),
            needs: [PartID(.app), PartID(.api)] + nodes(of: pods))
    }

    private var app: Picture.Part {
        let found = known.made(by: [.app], known.layer("app"))
        return Picture.Part(
            id: PartID(.app), state: found.state, why: found.why,
            next: found.state == .right ? "" : "jeeves helm -- list --all-namespaces",
            needs: services.map(\.id) + [PartID(.api)])
    }

    /// Its workloads, one part each.
    private var services: [Picture.Part] {
        (known.freshSight?.app ?? []).map { workload in
            let isRight = workload.ready == workload.all
            let count = "\(workload.ready) of \(workload.all) pods ready"
            let troubles = workload.troubles.prefix(1).map { "\($0.pod): \($0.why)" }
            let found = known.made(
                by: [.app],
                (isRight ? .right : .wrong, ([count] + troubles).joined(separator: "; ")))
            let pod = workload.troubles.first.map { "pod \($0.pod)" } ?? "pods"
            return Picture.Part(
                id: PartID(.service, workload.name), state: found.state, why: found.why,
                next: isRight ? "" : describe(pod, in: known.namespace),
                needs: nodes(of: [workload]) + [PartID(.api)])
        }
    }

    private var api: Picture.Part {
        let found = known.made(by: [.controllers, .workers], known.layer("cluster"))
        return Picture.Part(
            id: PartID(.api), state: found.state, why: found.why,
            next: found.state == .right ? "" : "jeeves kubectl -- get nodes",
            needs: known.controllers.map { PartID(.node, $0.name) })
    }

    /// Where pods that do not run are to run.
    private func nodes(of workloads: [Kubectl.Workload]) -> [PartID] {
        let names = Set(workloads.flatMap(\.troubles).compactMap(\.node))
        return names.sorted().map { PartID(.node, $0) }
    }

    private func describe(_ what: String, in namespace: String) -> String {
        "jeeves kubectl -- describe \(what) --namespace=\(namespace)"
    }
}
