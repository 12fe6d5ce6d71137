import Model
import Outside
import Trust

/// Converges the nodes: renders each one's spec, hands it down, and waits until its agent reports
/// every step right.
struct Controllers: Stage {
    let name = StageName.controllers

    func plan(_ run: StageRun) async throws -> [Change] {
        guard let infrastructure = try? run.infrastructure() else {
            return [Change(.run, "nodes", detail: "known after provision")]
        }
        return try specs(run, infrastructure, saving: false).flatMap { spec, isNew in
            isNew
                ? spec.steps.map { Change(.update, "\(spec.node)/\($0.id)", detail: "new spec") }
                : []
        }
    }

    func run(_ run: StageRun) async throws -> String {
        let specs = try specs(run, run.infrastructure(), saving: true).map(\.spec)
        for spec in specs { await run.downlinks.assign(spec) }
        let clock = run.world.clock
        var watch = Watch(specs: specs, since: clock.uptime())
        while true {
            for spec in specs {
                let status = await run.downlinks.status(of: spec.node)
                for line in watch.note(status, of: spec, now: clock.uptime()) { run.say(line) }
            }
            if watch.isDone { break }
            if let failure = watch.verdict(now: clock.uptime()) { throw failure }
            try await clock.sleep(.milliseconds(200), op: "controllers.wait")
        }
        return watch.changed ? "\(specs.count) nodes converged" : nothingToDo
    }

    /// The spec of each node: the saved generation if its steps are the same, else the next one.
    private func specs(
        _ run: StageRun, _ infrastructure: Infrastructure, saving: Bool
    ) throws -> [(spec: NodeSpec, isNew: Bool)] {
        let acme = try acmeFiles(run)
        return try infrastructure.machines.keys.sorted().map { node in
            let role = infrastructure.machines[node]?.role ?? .worker
            let steps = NodeSpecs.steps(of: run.cluster, role: role, acme: acme)
            let digest = try Hash.digest(of: steps)
            let saved = try run.store.get(NodeSpec.self, .specs, node.rawValue)
            let isNew = saved?.digest != digest
            let spec = NodeSpec(
                cluster: run.cluster.cluster, node: node, epoch: run.driving.epoch,
                run: run.driving.run, generation: (saved?.generation ?? 0) + (isNew ? 1 : 0),
                digest: digest, steps: steps)
            if saving { try run.store.put(.specs, node.rawValue, spec) }
            return (spec, isNew)
        }
    }

    private func acmeFiles(_ run: StageRun) throws -> NodeSpecs.ACMEFiles {
        func pem(_ path: String, _ key: String) throws -> String {
            guard !path.isEmpty else { return "" }
            let full = path.hasPrefix("/") ? path : "\(run.project.folder)/\(path)"
            guard let text = try run.world.files.text(full) else {
                throw Failure(
                    .notFound, "reading \(full): it is not there",
                    fix: "mend `certificate.acme.\(key)` in \(run.project.clusterFile)")
            }
            return text
        }
        let acme = run.cluster.certificate.acme
        return NodeSpecs.ACMEFiles(
            caPEM: try pem(acme.caFile, "caFile"), trustPEM: try pem(acme.trustFile, "trustFile"))
    }
}
