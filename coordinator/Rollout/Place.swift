import Model

/// What a node is among the others: pure, so that the same machines always get the same specs.
///
/// The first controller has the edge and, as a rule, founds the cluster; all others join through
/// it. If its machine was made anew while others hold the cluster, it joins through the second.
struct Place: Hashable, Sendable {
    let role: MicroK8sSpec.Role
    /// Whether people's traffic arrives here.
    let hasEdge: Bool
    /// Nil for the controller that founds the cluster.
    let join: JoinSpec?

    /// `isFounded`: whether others hold the cluster that the first controller is to join.
    init(_ node: NodeName, in known: Infrastructure, isFounded: Bool) {
        let controllers = known.nodes(.controller)
        role = known.machines[node]?.role ?? .worker
        hasEdge = node == known.edgeNode
        guard isFounded || !hasEdge else {
            join = nil
            return
        }
        let addresses = controllers.filter { $0 != node }.compactMap {
            known.machines[$0]?.privateAddress
        }
        join = JoinSpec(
            controller: addresses.first ?? "", others: Array(addresses.dropFirst()), role: role)
    }

    /// Of a role's nodes, each once.
    static func all(
        _ role: MicroK8sSpec.Role, in known: Infrastructure, isFounded: Bool
    ) -> [Place] {
        known.nodes(role).map { Place($0, in: known, isFounded: isFounded) }.reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
    }
}

extension StageRun {
    /// The machine that began the cluster by itself.
    private static let founderKey = "founder"

    /// Controllers that have been right as the machines that they are, so that their Kubernetes is
    /// the cluster's.
    func settledControllers() throws -> [NodeName] {
        let known = try infrastructure()
        return try known.nodes(.controller).filter { node in
            guard let settled = try Settled.read(node, store), settled.digest != nil else {
                return false
            }
            return settled.instanceID == known.machines[node]?.instanceID
        }
    }

    /// Controllers that may be asked about the cluster: those, or before there are any the first
    /// one. Any other may have a cluster of its own still.
    func controlPlane() throws -> [NodeName] {
        let settled = try settledControllers()
        return settled.isEmpty ? Array(try infrastructure().nodes(.controller).prefix(1)) : settled
    }

    /// Whether others hold the cluster, and the first controller's machine is not the one that
    /// began it.
    func isFounded(in known: Infrastructure) throws -> Bool {
        guard let first = known.edgeNode, let machine = known.machines[first] else { return false }
        let founder = try store.get(String.self, .meta, Self.founderKey)
        return try founder != machine.instanceID && settledControllers().contains { $0 != first }
    }

    /// Remembers who begins the cluster, before it does.
    func noteFounder() throws {
        let known = try infrastructure()
        guard try !isFounded(in: known), let first = known.edgeNode,
            let id = known.machines[first]?.instanceID,
            try store.get(String.self, .meta, Self.founderKey) != id
        else { return }
        try store.put(.meta, Self.founderKey, id)
    }
}
