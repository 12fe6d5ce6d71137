import Model
import Outside
import Tools

/// Empties a worker before its MicroK8s changes, and opens it again afterwards; or before it leaves
/// for good.
///
/// A worker that it closed carries our mark in the cluster itself, so that whoever comes after a
/// crash opens it. One that a person closed has no such mark and stays closed.
struct Drain: Sendable {
    private static let patchLimits = Limits(deadline: .seconds(60))
    /// kubectl ends by its own timeout; this is for one that does not.
    private static let slack = Duration.seconds(30)

    let cluster: ClusterAccess
    var stage = StageName.workers
    private var run: StageRun { cluster.run }
    private var patience: Duration { .seconds(run.cluster.rollout.drainSeconds) }

    /// Waits for what an earlier run left running.
    static func settle(_ run: StageRun) async throws {
        let patience = Duration.seconds(run.cluster.rollout.drainSeconds) + slack
        for op in ["kubectl.cordon", "kubectl.drain", "kubectl.uncordon"] as [Op] {
            try await run.settle(op, deadline: patience)
        }
    }

    /// Whether the way from one spec to another stops a node's Kubernetes: another channel does;
    /// add-ons are given to the one that runs.
    static func isNeeded(from saved: NodeSpec?, to wanted: NodeSpec) -> Bool {
        guard let saved else { return false }
        return saved.microk8s?.channel != wanted.microk8s?.channel
    }

    /// Closes the node and waits until its pods have left. What they cannot do in time is told, and
    /// the node is open again then. Throws `conflict` for pods that may not leave, else `failed`.
    func empty(_ node: NodeName) async throws {
        guard let member = try await close(node) else { return }
        // The pods of a node that is down cannot leave it, nor serve: waiting would be in vain.
        guard member.isReady else { return }
        run.say("\(node): draining")
        let finished: Finished
        do {
            finished = try await run.effect(
                cluster.kubectl.drain(node, timeout: patience), stage: stage,
                limits: Limits(deadline: patience + Self.slack), op: "kubectl.drain")
        } catch let failure as Failure where failure.code == .timeout {
            try await open(node)
            throw failure.context("draining \(node)")
        }
        guard finished.succeeded else {
            let failure = refusal(node, finished)
            try await open(node)
            throw failure
        }
    }

    /// Closes the node to new pods, and marks it unless a person has closed it before; returns what
    /// it was. Nil if it is no member.
    @discardableResult
    func close(_ node: NodeName) async throws -> Kubectl.Member? {
        let found = try await ClusterAccess.beforeChange { try await member(node) }
        guard let member = found else { return nil }
        if !member.isClosed {
            try await patch(cluster.kubectl.cordon(node), "closing \(node)", op: "kubectl.cordon")
        } else if !member.isClosedByUs {
            run.say("\(node): a person has closed it to pods, so it stays closed")
        }
        return member
    }

    /// Opens the node again if we closed it.
    func open(_ node: NodeName) async throws {
        guard try await member(node)?.isClosedByUs == true else { return }
        try await patch(cluster.kubectl.uncordon(node), "opening \(node)", op: "kubectl.uncordon")
        run.say("\(node): open to pods again")
    }

    private func member(_ node: NodeName) async throws -> Kubectl.Member? {
        try await cluster.members().first { $0.name == node.rawValue }
    }

    private func patch(_ command: Command, _ tried: String, op: Op) async throws {
        let finished = try await run.effect(
            command, stage: stage, limits: Self.patchLimits, op: op)
        guard finished.succeeded else {
            throw Failure(
                Kubectl.isOutage(finished) ? .unavailable : .failed,
                "\(tried) to pods: \(finished.sentence)",
                fix: "look at `jeeves kubectl -- get nodes`, then run `jeeves up` again")
        }
    }

    private func refusal(_ node: NodeName, _ finished: Finished) -> Failure {
        let stuck = Kubectl.stuck(finished)
        let tried = "draining \(node)"
        if !stuck.orphans.isEmpty {
            return Failure(
                .conflict,
                "\(tried): nothing would start \(stuck.orphans.joined(separator: ", ")) elsewhere",
                fix: "delete those that may go: `jeeves kubectl -- delete pod NAME "
                    + "--namespace=NAMESPACE`, then run `jeeves up` again")
        }
        if !stuck.doubled.isEmpty {
            let (label, value) = DisruptionBudget.mark
            return Failure(
                .conflict,
                "\(tried): Kubernetes evicts no pod that two disruption budgets select: "
                    + stuck.doubled.joined(separator: ", "),
                fix: "delete those of Jeeves with `jeeves kubectl -- delete poddisruptionbudgets "
                    + "--all-namespaces --selector=\(label)=\(value)`; `jeeves up` makes again "
                    + "what is needed")
        }
        if !stuck.kept.isEmpty {
            return Failure(
                .conflict,
                "\(tried): not empty after \(patience.shortText): their disruption budgets keep "
                    + stuck.kept.joined(separator: ", "),
                fix: "look at `jeeves kubectl -- get poddisruptionbudgets --all-namespaces`; if no "
                    + "other node has room for new instances, add a worker "
                    + "(`nodes.workers.count`), else give what they protect one more instance "
                    + "(`app.replicas`) or more time (`rollout.drainSeconds`)")
        }
        return Failure(
            Kubectl.isOutage(finished) ? .unavailable : .failed, "\(tried): \(finished.sentence)",
            fix: "look at `jeeves kubectl -- get pods --all-namespaces "
                + "--field-selector=spec.nodeName=\(node)`")
    }
}
