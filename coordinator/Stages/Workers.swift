import Model
import Outside
import Tools

/// Converges the workers and joins them to the cluster, one at a time: a ticket is minted on the
/// controller when it is needed, and only the control plane's word counts as membership. A worker
/// whose MicroK8s changes is drained before and opened again afterwards.
struct Workers: Stage {
    let name = StageName.workers
    private let convergence = Convergence(role: .worker)

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func content(_ run: StageRun) throws -> Digest? { try convergence.content(run) }

    func run(_ run: StageRun) async throws -> String {
        try await Leave(run: run).finish()
        try await Drain.settle(run)
        let work = WorkerWork(run: run, convergence: convergence)
        let outcome = try await BatchWalk(convergence: convergence, run: run, work: work).walk()
        return outcome.summary(.worker)
    }
}

/// What workers need besides their specs: membership, and no pods while their MicroK8s changes.
private struct WorkerWork: BatchWork {
    static let joinMax = Duration.seconds(420)
    static let readyMax = Duration.seconds(300)
    private static let join = StepID(unchecked: NodeSpecs.joinStep)

    let run: StageRun
    let convergence: Convergence

    func prepare(_ wish: Wish) async throws {
        // Of one that obeys what is not known here, anything may change.
        guard wish.saved == nil || Drain.isNeeded(from: wish.saved, to: wish.spec) else { return }
        try await Drain(cluster: ClusterAccess.open(run)).empty(wish.spec.node)
    }

    func converge(
        _ specs: [NodeSpec], isNew: Bool, until deadline: Duration?
    ) async throws -> Bool {
        guard let controller = try run.infrastructure().nodes(.controller).first, !specs.isEmpty
        else { return false }
        var changed = try await convergence.wait(
            run, for: specs, apart: [Self.join], until: deadline)
        let cluster = try await ClusterAccess.open(run)
        for node in specs.map(\.node) {
            let member = try await member(node, cluster)
            guard member?.isReady != true else { continue }
            // One that serves is a member still, and not ready because it has just changed.
            if isNew || member == nil { try await join(node, to: controller) }
            try await awaitReady(node, cluster)
            changed = true
        }
        _ = try await convergence.wait(run, for: specs, until: deadline)
        let closed = Set(try await cluster.members().filter(\.isClosedByUs).map(\.name))
        for spec in specs where closed.contains(spec.node.rawValue) {
            try await Drain(cluster: cluster).open(spec.node)
        }
        return changed
    }

    func troubles(of nodes: [NodeName]) async throws -> [NodeName: Failure] {
        let members = try await ClusterAccess.open(run).members()
        let ready = Set(members.filter(\.isReady).map(\.name))
        let wrong = nodes.filter { !ready.contains($0.rawValue) }.map { node in
            (
                node,
                Failure(
                    .failed, "the control plane does not call it ready",
                    fix: "look at `jeeves kubectl -- describe node \(node)`")
            )
        }
        return Dictionary(uniqueKeysWithValues: wrong)
    }

    private func join(_ node: NodeName, to controller: NodeName) async throws {
        run.say("\(node): joining \(controller)")
        let minted = try await run.downlinks.ask(
            controller, .mintJoinTicket, deadline: .seconds(90))
        guard case .secret(let text) = minted else {
            throw Failure(.invalid, "asking \(controller) for a join ticket: it sent none")
        }
        let ticket = try JSON.decode(
            JoinTicket.self, from: text.reveal().utf8, what: "a join ticket")
        do {
            _ = try await run.downlinks.ask(node, .join(ticket), deadline: Self.joinMax)
        } catch let failure as Failure where failure.mayPass {
            // The join may have worked all the same: the control plane decides.
            run.say("\(node): \(failure.message)")
        }
    }

    private func awaitReady(_ node: NodeName, _ cluster: ClusterAccess) async throws {
        _ = try await run.world.clock.poll(
            every: .seconds(2), atMost: Self.readyMax,
            waitingFor: "the control plane to call \(node) ready",
            fix: "look at `jeeves kubectl -- describe node \(node)` and at `jeeves logs \(node) "
                + "--source microk8s`, and run `jeeves up` again",
            op: "workers.ready"
        ) {
            // A first join restarts parts of the control plane: no answer is no verdict.
            (try? await member(node, cluster))?.isReady == true ? true : nil
        }
        run.say("\(node): ready")
    }

    private func member(_ node: NodeName, _ cluster: ClusterAccess) async throws
        -> Kubectl.Member?
    {
        try await cluster.members().first { $0.name == node.rawValue }
    }
}
