import Model
import Outside
import Store
import Tools
import Trust

/// What a verb does without driving itself, while a coordinator runs on the same state folder: that
/// one keeps the way to the cluster's API open, asks the nodes, and reads the store.
public struct Beside: Sendable {
    /// For a person who waits.
    static let limits = Limits(deadline: .seconds(3600), outputBytesMax: 64 << 20)
    /// Helm gets time to end by itself, because killing it leaves its release pending for ever.
    private static let helmLimits = Limits(
        deadline: .seconds(3600), grace: .seconds(600), outputBytesMax: 64 << 20, overstay: .left)

    let project: Project
    let world: World

    public init(_ project: Project, world: World) {
        self.project = project
        self.world = world
    }

    /// Whether a coordinator runs now.
    public func isDriven() throws -> Bool { try ClusterStatus.isDriven(project, world: world) }

    /// Asks a node through the running coordinator. Throws `unavailable` if that has ended or the
    /// node is not connected, and the node's own failure.
    public func ask(_ question: Question, of node: NodeName) async throws -> String {
        try await Errands(store: opened(), world: world).ask(question, of: node)
    }

    /// Path of the kubeconfig that the running coordinator keeps; nil if none runs. Throws
    /// `unavailable` while it has no way to the cluster.
    public func kubeconfig() throws -> String? {
        guard try isDriven() else { return nil }
        let path = KubernetesAccess.kubeconfig(in: project)
        guard try world.files.info(path) != nil else {
            throw Failure(
                .unavailable,
                "reaching the cluster: the coordinator that runs now has no way to it yet",
                fix: "try again in some seconds; `jeeves status` tells what is up already")
        }
        return path
    }

    /// Runs kubectl through the tunnel that `kubeconfig` names. Its exit is a value.
    public func kubectl(_ arguments: [String], kubeconfig: String) async throws -> Finished {
        try await world.processes.run(
            Kubectl(kubeconfig: kubeconfig).command(arguments), limits: Self.limits, op: "kubectl")
    }

    /// Runs Helm through the tunnel that `kubeconfig` names, with the proxies of `environment`. Its
    /// exit is a value.
    public func helm(
        _ arguments: [String], kubeconfig: String, environment: [String: String]
    ) async throws -> Finished {
        let helm = Helm(
            kubeconfig: kubeconfig, home: "\(project.state)/kube/helm",
            environment: Helm.proxies(of: environment))
        return try await world.processes.run(
            helm.command(arguments), limits: Self.helmLimits, op: "helm")
    }

    /// A token with which the machine `node`, which has no AWS role, enrols once. Throws `notFound`
    /// before `jeeves init`.
    public func makeToken(
        for node: NodeName, lifetime: Duration, by actor: String
    ) throws -> Secret {
        try Tokens(opened()).make(
            for: node, lifetime: lifetime, now: world.clock.now(), chance: world.chance, by: actor)
    }
}

/// Which nodes may speak for the cluster; a running coordinator obeys within seconds.
extension Beside {
    /// Shuts the node out: no link, no renewal, no enrolment. False if it was already. Throws
    /// `notFound` if the cluster knows no such node, `conflict` if somebody else changed the list
    /// at the same time.
    public func revoke(_ node: NodeName, by actor: String) throws -> Bool {
        let store = try opened()
        guard try knows(node, store) else {
            throw Failure(
                .notFound, "revoking \(node): this cluster has no such node",
                fix: "look at `jeeves status --cached` for its nodes")
        }
        return try Revocations(store).revoke(node, by: actor, now: world.clock.now())
    }

    /// Lets the node in again. False if it was not revoked. Throws `conflict` as `revoke` does.
    public func allow(_ node: NodeName, by actor: String) throws -> Bool {
        try Revocations(opened()).allow(node, by: actor, now: world.clock.now())
    }

    private func opened() throws -> Store {
        try project.requireState(world.files)
        return try Store.open(path: project.store)
    }

    /// Whether Terraform made it, it has reported, or a token was made for it.
    private func knows(_ node: NodeName, _ store: Store) throws -> Bool {
        let made = try store.get(Infrastructure.self, .meta, StageRun.infrastructureKey)
        return try made?.machines[node] != nil || store.get(.statuses, node.rawValue) != nil
            || Tokens(store).nodes().contains(node)
    }
}
