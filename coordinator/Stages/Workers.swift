import Model
import Outside
import Tools

/// Converges the workers and joins them to the cluster, one at a time: a ticket is minted on the
/// controller when it is needed, and only the control plane's word counts as membership.
struct Workers: Stage {
    let name = StageName.workers
    static let joinMax = Duration.seconds(420)
    static let readyMax = Duration.seconds(300)
    private static let join = StepID(unchecked: NodeSpecs.joinStep)
    private let convergence = Convergence(role: .worker)

    func plan(_ run: StageRun) async throws -> [Change] { try await convergence.plan(run) }

    func run(_ run: StageRun) async throws -> String {
        let specs = try await convergence.assign(run)
        guard let controller = try run.infrastructure().nodes(.controller).first, !specs.isEmpty
        else { return nothingToDo }
        var changed = try await convergence.wait(run, for: specs, apart: [Self.join])
        let cluster = try await ClusterAccess.open(run)
        for spec in specs where try await !isReady(spec.node, cluster) {
            try await join(spec.node, to: controller, run)
            try await awaitReady(spec.node, cluster, run)
            changed = true
        }
        _ = try await convergence.wait(run, for: specs)
        return changed ? "\(specs.count) joined" : nothingToDo
    }

    private func join(_ node: NodeName, to controller: NodeName, _ run: StageRun) async throws {
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

    private func awaitReady(_ node: NodeName, _ cluster: ClusterAccess, _ run: StageRun)
        async throws
    {
        _ = try await run.world.clock.poll(
            every: .seconds(2), atMost: Self.readyMax,
            waitingFor: "the control plane to call \(node) ready",
            fix: "look at `jeeves kubectl -- describe node \(node)` and at `jeeves logs \(node) "
                + "--source microk8s`, and run `jeeves up` again",
            op: "workers.ready"
        ) {
            // A first join restarts parts of the control plane: no answer is no verdict.
            (try? await isReady(node, cluster)) == true ? true : nil
        }
        run.say("\(node): ready")
    }

    private func isReady(_ node: NodeName, _ cluster: ClusterAccess) async throws -> Bool {
        let text = try await cluster.output(cluster.kubectl.nodes(), op: "kubectl.nodes")
        return try Kubectl.members(text).contains { $0.name == node.rawValue && $0.isReady }
    }
}
