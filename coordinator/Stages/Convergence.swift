import Model
import Outside
import Trust

/// Converges the nodes of one role: renders each one's spec, hands it down, and waits until its
/// agent reports every step right. The stages `controllers` and `workers` are made of it.
struct Convergence: Sendable {
    let role: MicroK8sSpec.Role

    /// What the specs would change, and what the nodes' own checks say is not right.
    func plan(_ run: StageRun) async throws -> [Change] {
        guard let infrastructure = try? run.infrastructure() else {
            return [Change(.run, "\(role.rawValue)s", detail: "known after provision")]
        }
        var changes: [Change] = []
        for (spec, isNew) in try specs(run, infrastructure, saving: false) {
            let status = await run.downlinks.status(of: spec.node)
            for step in spec.steps {
                let subject = "\(spec.node)/\(step.id)"
                if isNew {
                    changes.append(Change(.update, subject, detail: "new spec"))
                } else if let wrong = status?.trouble(with: step.id) {
                    changes.append(Change(.update, subject, detail: wrong))
                }
            }
        }
        return changes
    }

    /// Saves the specs and hands them down.
    func assign(_ run: StageRun) async throws -> [NodeSpec] {
        let specs = try specs(run, run.infrastructure(), saving: true).map(\.spec)
        for spec in specs { await run.downlinks.assign(spec) }
        return specs
    }

    /// Waits until every step is right, those of `later` apart. True if a step was seen changing.
    /// Throws the failure of a step that cannot pass, or of one that does not.
    func wait(
        _ run: StageRun, for specs: [NodeSpec], apart later: Set<StepID> = []
    ) async throws -> Bool {
        let clock = run.world.clock
        var watch = Watch(specs: specs, since: clock.uptime(), apart: later)
        while true {
            for spec in specs {
                let status = await run.downlinks.status(of: spec.node)
                for line in watch.note(status, of: spec, now: clock.uptime()) { run.say(line) }
            }
            if watch.isDone { return watch.changed }
            if let failure = watch.verdict(now: clock.uptime()) { throw failure }
            try await clock.sleep(.milliseconds(200), op: "nodes.wait")
        }
    }

    /// The spec of each node: the saved generation if its steps are the same, else the next one.
    private func specs(
        _ run: StageRun, _ infrastructure: Infrastructure, saving: Bool
    ) throws -> [(spec: NodeSpec, isNew: Bool)] {
        let acme = try acmeFiles(run)
        let controller = infrastructure.nodes(.controller).first
        let address = controller.flatMap { infrastructure.machines[$0]?.privateAddress } ?? ""
        return try infrastructure.nodes(role).map { node in
            let steps = NodeSpecs.steps(
                of: run.cluster, role: role, acme: acme, controllerAddress: address)
            let digest = try Hash.digest(of: steps)
            let saved = try run.store.get(NodeSpec.self, .specs, node.rawValue)
            let isNew = saved?.digest != digest
            let spec = NodeSpec(
                cluster: run.cluster.cluster, node: node, epoch: run.driving.epoch,
                run: run.driving.run, generation: (saved?.generation ?? 0) + (isNew ? 1 : 0),
                digest: digest, steps: steps,
                coordinators: run.cluster.coordinator.addresses)
            if saving { try run.store.put(.specs, node.rawValue, spec) }
            return (spec, isNew)
        }
    }

    private func acmeFiles(_ run: StageRun) throws -> NodeSpecs.ACMEFiles {
        let (project, files) = (run.project, run.world.files)
        return NodeSpecs.ACMEFiles(
            caPEM: try project.pem(
                run.cluster.certificate.acme.caFile, key: "certificate.acme.caFile", files),
            trustPEM: try project.trustPEM(of: run.cluster, files))
    }
}
