import Model
import Outside
import Tools

/// Lets nodes go before Terraform ends their machines: empties them, writes down that they go, and
/// has the control plane forget them. Terraform's saved plan says which; nothing is ended here. An
/// only controller cannot leave: the cluster goes with it.
///
/// Until the first is written down every one can stay, and does if one of them cannot be emptied.
struct Leave: Sendable {
    /// A node whose machine goes.
    struct Leaver: Sendable, Hashable {
        enum Reason: Sendable { case removed, replaced, lost }

        let node: NodeName
        let role: MicroK8sSpec.Role
        let instanceID: String
        let reason: Reason
    }

    private static let goneMax = Duration.seconds(60)

    let run: StageRun
    private var departures: Departures { Departures(run.store) }

    /// The nodes that a plan takes away, and those whose machine it no longer found.
    static func leavers(in changes: [Change], of known: Infrastructure?) -> [Leaver] {
        changes.compactMap { change in
            guard let node = change.machine, let known, let machine = known.machines[node],
                known.canLeave(node)
            else { return nil }
            let reason: Leaver.Reason? =
                switch change.action {
                case .delete: .removed
                case .replace: .replaced
                case .create: .lost
                case .update, .run: nil
                }
            return reason.map {
                Leaver(
                    node: node, role: machine.role, instanceID: machine.instanceID, reason: $0)
            }
        }.sorted { $0.node < $1.node }
    }

    /// Throws `conflict` with what a person has to decide, `unavailable` if controllers would be no
    /// majority, and `failed` if a node could not be emptied; all are open then and stay what they
    /// were.
    func seeOff(_ leavers: [Leaver], losing changes: [Change]) async throws {
        guard !leavers.isEmpty else { return }
        let controllers = try staying(losing: changes)
        let begun = Set(try departures.all().filter { $0.phase == .leaving }.map(\.instanceID))
        let new = leavers.filter { !begun.contains($0.instanceID) }
        guard !controllers.isEmpty else { return try await dismiss(leavers, new: new) }
        let cluster: ClusterAccess
        do {
            cluster = try await ClusterAccess.open(run, through: controllers)
        } catch let failure as Failure {
            throw failure.context("letting \(Self.names(leavers)) go")
        }
        try await empty(new, cluster)
        try await dismiss(leavers, new: new)
        for leaver in leavers where leaver.role == .worker {
            try await remove(leaver.node, controllers, cluster)
        }
        let leaving = leavers.filter { $0.role == .controller }.map(\.node)
        guard !leaving.isEmpty else { return }
        for node in try await cluster.quorum().order(leaving) {
            let quorum = try await cluster.quorum()
            if quorum.members.contains(node) { try quorum.admitLoss(of: node) }
            try await remove(node, controllers, cluster)
        }
    }

    /// Ends what is left to do for those whose machine Terraform has ended, or only for those that
    /// have a successor of that role. A kubelet that was started once more before that has made
    /// itself a member again. Before a new machine joins.
    func finish(succeeded role: MicroK8sSpec.Role? = nil) async throws {
        let machines = try run.infrastructure().machines
        for departure in try departures.all()
        where departure.phase == .leaving
            && machines[departure.node]?.instanceID != departure.instanceID
            && (role == nil || machines[departure.node]?.role == role)
        {
            let controllers = try staying(losing: [])
            if !controllers.isEmpty {
                try await remove(departure.node, controllers, ClusterAccess.open(run))
            }
            try departures.finish(
                departure, hasSuccessor: machines[departure.node] != nil,
                run.event("node/\(departure.node)", .done, "\(departure.instanceID) is gone"))
        }
    }

    /// Controllers that have been right, so that there is a cluster, and stay.
    func staying(losing changes: [Change]) throws -> [NodeName] {
        guard (try? run.infrastructure()) != nil else { return [] }
        // One that would be made is no longer there.
        let lost = Set(changes.filter { $0.action != .update }.compactMap(\.machine))
        return try run.settledControllers().filter { !lost.contains($0) }
    }

    /// All are closed before the first is emptied: its pods shall not move to the next one.
    private func empty(_ leavers: [Leaver], _ cluster: ClusterAccess) async throws {
        guard !leavers.isEmpty else { return }
        try await Drain.settle(run)
        let members = try await cluster.members()
        let there = leavers.filter { leaver in
            leaver.reason != .lost && members.contains { $0.name == leaver.node.rawValue }
        }
        let down = Set(members.filter { !$0.isReady }.map(\.name))
        try refuse(there, down: { down.contains($0.node.rawValue) })
        try await admit(leavers, cluster)
        let drain = Drain(cluster: cluster, stage: .provision)
        do {
            for leaver in there { try await drain.close(leaver.node) }
            for leaver in there { try await drain.empty(leaver.node) }
        } catch {
            // What stays closed now is marked as ours, and opened by the next run.
            for leaver in there { try? await drain.open(leaver.node) }
            throw error
        }
    }

    private func refuse(_ leavers: [Leaver], down: (Leaver) -> Bool) throws {
        let lost = leavers.filter { down($0) && !run.options.replace.contains($0.node) }
        guard lost.isEmpty else {
            let flags = Set(lost.map(\.node)).union(run.options.replace).sorted().map {
                " --replace \($0)"
            }
            throw Failure(
                .conflict,
                "letting \(Self.names(lost)) go: the control plane does not call it ready, so its "
                    + "pods cannot leave it, and what is on its disk goes with it; nothing was "
                    + "ended",
                fix: "bring it back, or if that is meant, run `jeeves up\(flags.joined())`")
        }
        let size = run.cluster.rollout.batch.nodes(of: run.cluster.nodes.workers.count)
        let replaced = leavers.filter {
            $0.role == .worker && $0.reason == .replaced && !down($0)
        }
        guard replaced.count <= max(size, 1) else {
            throw Failure(
                .conflict,
                "replacing \(Self.names(replaced)): `rollout.batch` lets \(max(size, 1)) of the "
                    + "workers that serve go at once; nothing was ended",
                fix: "replace them one after another, or raise `rollout.batch`")
        }
    }

    /// Whether the controllers among them may go, one after another.
    private func admit(_ leavers: [Leaver], _ cluster: ClusterAccess) async throws {
        let controllers = leavers.filter { $0.role == .controller }
        guard !controllers.isEmpty else { return }
        let replaced = controllers.filter { $0.reason == .replaced }
        guard replaced.count <= 1 else {
            throw Failure(
                .conflict,
                "replacing \(Self.names(replaced)): a control plane lets one controller go at a "
                    + "time; nothing was ended",
                fix: "replace them one after another, beginning with `jeeves up --replace "
                    + "\(replaced[replaced.count - 1].node)`")
        }
        var quorum = try await cluster.quorum()
        for node in quorum.order(controllers.map(\.node)) where quorum.members.contains(node) {
            try quorum.admitLoss(of: node)
            quorum = quorum.without(node)
        }
    }

    /// From here on they go, whoever drives: no certificate of theirs is good any more.
    private func dismiss(_ leavers: [Leaver], new: [Leaver]) async throws {
        let now = run.world.clock.now()
        try departures.begin(
            new.map {
                Departure(
                    node: $0.node, instanceID: $0.instanceID, at: now, phase: .leaving,
                    run: run.driving.run)
            }, new.map { run.event("node/\($0.node)", .started, "\($0.instanceID) leaves") })
        for leaver in leavers { await run.downlinks.dismiss(leaver.node) }
    }

    /// Has a controller forget a member. The control plane's word counts, not the answer. `again`
    /// is what a person types if it did not.
    func remove(
        _ node: NodeName, _ controllers: [NodeName], _ cluster: ClusterAccess,
        again: String = "jeeves up"
    ) async throws {
        guard try await isMember(node, cluster) else { return }
        let controller = try await run.awaitAny(of: controllers)
        run.say("\(node): leaving the cluster")
        do {
            _ = try await run.downlinks.ask(controller, .removeMember(node), deadline: .seconds(90))
        } catch let failure as Failure where failure.mayPass {
            run.say("\(node): \(failure.message)")
        }
        _ = try await run.world.clock.poll(
            every: .seconds(2), atMost: Self.goneMax,
            waitingFor: "the control plane to forget \(node)",
            fix: "look at `jeeves kubectl -- get node \(node)`, and run `\(again)` again",
            op: "leave.gone"
        ) {
            try await isMember(node, cluster) ? nil : true
        }
    }

    private func isMember(_ node: NodeName, _ cluster: ClusterAccess) async throws -> Bool {
        try await cluster.members().contains { $0.name == node.rawValue }
    }

    private static func names(_ leavers: [Leaver]) -> String {
        leavers.map(\.node.rawValue).joined(separator: ", ")
    }
}

extension Leave.Leaver {
    /// For a plan.
    var detail: String {
        switch reason {
        case .removed:
            "\(node) is drained and leaves the cluster first; cannot be undone: its disk goes too"
        case .replaced:
            "\(node) is drained and leaves the cluster first, a new machine joins under its name; "
                + "cannot be undone: its disk goes too"
        case .lost: "the machine of \(node) is gone; the cluster forgets it first"
        }
    }
}

extension Infrastructure {
    /// Whether a node can leave the cluster, which goes with an only controller.
    func canLeave(_ node: NodeName) -> Bool {
        guard let machine = machines[node] else { return false }
        return machine.role == .worker || nodes(.controller).count > 1
    }
}
