import Model
import Store

@testable import Coordinator

/// What must hold after a rollout that came to its end, whatever happened on the way.
struct Ending {
    let estate: Estate
    let wish: DrawnWish

    private var wanted: [String] { ["controller-1"] + (1...wish.workers).map { "worker-\($0)" } }

    /// What does not hold.
    func violations() throws -> [String] {
        let cluster = try exampleCluster(wish.edits)
        return try nodes(cluster) + machines() + members() + application(cluster) + obedience()
            + departures() + ledger()
    }

    /// Every node has the steps that are wanted, and all of them are right.
    private func nodes(_ cluster: ClusterSpec) throws -> [String] {
        guard let known = try estate.infrastructure() else { return ["no machines are known"] }
        return estate.agents.look(\.agents).flatMap { node, agent in
            let steps = NodeSpecs.steps(
                of: cluster, at: Place(node, in: known, isFounded: false), acme: .init())
            var found: [String] = []
            if agent.spec?.steps != steps {
                found.append("\(node) has another spec than is wanted")
            }
            if !agent.states.values.allSatisfy({ $0 == .converged }) {
                found.append("\(node) is not right: \(agent.states)")
            }
            return found
        }
    }

    /// Each node has one machine, and each machine has joined once.
    private func machines() -> [String] {
        var found: [String] = []
        let instances = estate.account.look(\.resources).filter {
            $0.kind == "instance" && !$0.isTerminated
        }
        if instances.count != wanted.count { found.append("machines: \(instances.map(\.id))") }
        let agents = estate.agents.look { $0 }
        if agents.agents.keys.map(\.rawValue).sorted() != wanted {
            found.append("agents: \(agents.agents.keys.sorted())")
        }
        let joined = agents.joinedMachines
        if Set(joined).count != joined.count { found.append("a machine joined twice") }
        return found
    }

    /// The cluster has these members and no others; all of them take pods, and none was ended
    /// before its pods had left it.
    private func members() -> [String] {
        let state = estate.cluster.look { $0 }
        var found: [String] = []
        if state.members.sorted() != wanted { found.append("members: \(state.members.sorted())") }
        if !state.closed.isEmpty { found.append("left closed: \(state.closed.sorted())") }
        if !state.endedFull.isEmpty { found.append("ended with its pods: \(state.endedFull)") }
        return found
    }

    /// The application and its way in are what is wanted, once, and the name was written once.
    private func application(_ cluster: ClusterSpec) -> [String] {
        let state = estate.cluster.look { $0 }
        var found: [String] = []
        if state.revisions.count(where: { $0["status"] == "deployed" }) != 1 {
            found.append("releases: \(estate.cluster.statuses())")
        }
        if !state.values.contains(cluster.app.version) {
            found.append("the release is another version")
        }
        let image = "traefik:v\(cluster.ingress.version)"
        if !state.objects.contains(where: { $0.text.contains(image) }) {
            found.append("Traefik is another version")
        }
        if state.upgradedBeside.contains(where: { !$0.isEmpty }) {
            found.append("the application changed while a worker was closed")
        }
        let marks = state.revisions.map { $0["description"] }
        if zip(marks, marks.dropFirst()).contains(where: { $0 == $1 && $0 != "Upgrade failed" }) {
            found.append("a release was made twice")
        }
        if estate.account.look(\.changes) != 1 { found.append("the record was written again") }
        return found
    }

    /// Of what a machine has obeyed epochs and generations only grew; one epoch had one run, and
    /// one generation one content.
    private func obedience() -> [String] {
        estate.agents.look(\.obeyed).flatMap { machine, fences in
            zip(fences, fences.dropFirst()).filter { old, new in
                let isNewer = old.epoch < new.epoch || old.epoch == new.epoch && old.run == new.run
                let isOnward =
                    old.generation < new.generation
                    || old.generation == new.generation && old.digest == new.digest
                return !isNewer || !isOnward
            }.map { "\(machine) obeyed \($1) after \($0)" }
        }
    }

    /// Who has left is gone, and its machine too.
    private func departures() throws -> [String] {
        let alive = Set(estate.account.look(\.resources).filter { !$0.isTerminated }.map(\.id))
        return try Departures(estate.store).all().filter {
            $0.phase != .gone || alive.contains($0.instanceID)
        }.map { "\($0.node) has not left: \($0.instanceID)" }
    }

    private func ledger() throws -> [String] {
        var found: [String] = []
        if try !Ledger(estate.store).open().isEmpty { found.append("intents without an end") }
        let rollouts = Rollouts(estate.store)
        if try !rollouts.open().isEmpty { found.append("a rollout without an end") }
        if try rollouts.last()?.state != .done { found.append("the last rollout is not done") }
        return found
    }
}
