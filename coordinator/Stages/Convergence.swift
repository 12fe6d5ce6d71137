import Model
import Outside
import Trust

/// Converges the nodes of one role: renders each one's spec, hands it down, and waits until its
/// agent reports every step right. The stages `controllers` and `workers` are made of it.
struct Convergence: Sendable {
    let role: MicroK8sSpec.Role

    var stage: StageName { role == .controller ? .controllers : .workers }

    /// What the specs would change, as the nodes' own checks find it now.
    func plan(_ run: StageRun) async throws -> [Change] {
        guard let infrastructure = try? run.infrastructure() else {
            return [.unknown("\(role.rawValue)s", until: .provision)]
        }
        let plans = try await specs(run, infrastructure).map { spec, saved, isNew in
            NodePlan(role: role, spec: spec, saved: saved, isNew: isNew)
        }
        return try await withThrowingTaskGroup(of: (Int, [Change]).self) { group in
            for (index, plan) in plans.enumerated() {
                group.addTask { (index, try await plan.changes(run)) }
            }
            var found: [Int: [Change]] = [:]
            for try await (index, changes) in group { found[index] = changes }
            return plans.indices.flatMap { found[$0] ?? [] }
        }
    }

    /// What is wanted of each node, and what it has.
    func wishes(_ run: StageRun) async throws -> [Wish] {
        let infrastructure = try run.infrastructure()
        let connected = await run.downlinks.connected()
        let obeyed = await run.downlinks.greetings.obeyed
        var wishes: [Wish] = []
        let found = try await specs(run, infrastructure)
        for (spec, saved) in found.map({ ($0.spec, $0.saved) }) {
            // What it said over this link may not have been heard yet; what it said last is kept.
            let live = await run.downlinks.status(of: spec.node)
            let status =
                try live ?? run.store.get(NodeStatus.self, .statuses, spec.node.rawValue)
            wishes.append(
                Wish(
                    spec: spec, saved: saved,
                    instanceID: infrastructure.machines[spec.node]?.instanceID ?? "",
                    settled: try Settled.read(spec.node, run.store),
                    isRight: connected.contains(spec.node)
                        && saved.map { status?.isConverged(generation: $0.generation) == true }
                            ?? false,
                    isDrifted: status?.hasDrifted == true,
                    isObeying: obeyed[spec.node] != nil))
        }
        return wishes
    }

    /// Gives nodes their spec that have never served; all others keep what they have.
    func begin(_ run: StageRun) async throws {
        for wish in try await wishes(run) {
            if wish.standing == .new {
                try await hand(wish.spec, run)
            } else {
                await keep(wish, run)
            }
        }
    }

    /// Saves a spec and hands it down.
    func hand(_ spec: NodeSpec, _ run: StageRun) async throws {
        let saved = try run.store.get(NodeSpec.self, .specs, spec.node.rawValue)
        try run.save(spec, isNew: saved?.digest != spec.digest)
        await run.downlinks.assign(spec)
    }

    /// Hands a node the spec that it has, for this driving start, until its turn comes: until then
    /// nothing that somebody changed is mended. One that nobody wants any more is not handed to a
    /// node that may have missed it.
    func keep(_ wish: Wish, _ run: StageRun) async {
        guard let saved = wish.saved, !wish.isAbandoned else { return }
        await run.downlinks.assign(
            saved.driven(by: run.driving, at: run.cluster.coordinator.addresses))
    }

    /// Waits until every step is right, those of `later` apart, at most until `deadline` of the
    /// clock's uptime. True if a step was seen changing. Throws a ``Stumble`` for a step that
    /// cannot pass, or that does not.
    func wait(
        _ run: StageRun, for specs: [NodeSpec], apart later: Set<StepID> = [],
        until deadline: Duration? = nil
    ) async throws -> Bool {
        let clock = run.world.clock
        let start = clock.uptime()
        var watch = Watch(specs: specs, since: start, apart: later)
        var shown: [NodeName: Activity] = [:]
        while true {
            for spec in specs {
                let status = await run.downlinks.status(of: spec.node)
                let lines = watch.note(status, of: spec, now: clock.uptime())
                let activity = Activity(spec, status)
                guard !lines.isEmpty || activity != shown[spec.node] else { continue }
                shown[spec.node] = activity
                report(lines, activity, status, run)
            }
            let now = clock.uptime()
            if watch.isDone { return watch.changed }
            if let stumble = watch.verdict(now: now) { throw stumble }
            if let deadline, now > deadline {
                throw watch.lateness("it is not right after \((now - start).shortText)")
            }
            try await clock.sleep(.milliseconds(200), op: "nodes.wait")
        }
    }

    /// Lines of a node in trouble stay; of another one it is enough to see what it does.
    private func report(
        _ lines: [String], _ activity: Activity, _ status: NodeStatus?, _ run: StageRun
    ) {
        let isTroubled = status?.steps.contains { $0.state.isTrouble } ?? false
        if isTroubled { lines.forEach(run.say) }
        var activity = activity
        activity.lines = isTroubled ? [] : lines
        run.tell(activity)
    }

    /// Of the steps that the nodes of the role get; nil before there are machines.
    func content(_ run: StageRun) throws -> Digest? {
        guard let infrastructure = try? run.infrastructure() else { return nil }
        let acme = try acmeFiles(run)
        let places = try Place.all(
            role, in: infrastructure, isFounded: run.isFounded(in: infrastructure))
        return try Hash.digest(
            of: places.flatMap { NodeSpecs.steps(of: run.cluster, at: $0, acme: acme) })
    }

    /// The spec of each node: the saved generation if its steps are the same, else the next one. Of
    /// a node that obeys what is not known here, what it says of that is counted on from. Who hands
    /// a spec down does so for a person, and thus it mends drift.
    private func specs(
        _ run: StageRun, _ infrastructure: Infrastructure
    ) async throws -> [(spec: NodeSpec, saved: NodeSpec?, isNew: Bool)] {
        let acme = try acmeFiles(run)
        let isFounded = try run.isFounded(in: infrastructure)
        let obeyed = await run.downlinks.greetings.obeyed
        return try infrastructure.nodes(role).map { node in
            let place = Place(node, in: infrastructure, isFounded: isFounded)
            let steps = NodeSpecs.steps(of: run.cluster, at: place, acme: acme)
            let digest = try Hash.digest(of: steps)
            let saved = try run.store.get(NodeSpec.self, .specs, node.rawValue)
            let isNew = saved?.digest != digest
            let last = saved?.generation ?? obeyed[node]?.generation ?? 0
            let spec = NodeSpec(
                cluster: run.cluster.cluster, node: node, epoch: run.driving.epoch,
                run: run.driving.run, generation: last + (isNew ? 1 : 0),
                digest: digest, steps: steps,
                coordinators: run.cluster.coordinator.addresses, mendsDrift: true)
            return (spec, saved, isNew)
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
