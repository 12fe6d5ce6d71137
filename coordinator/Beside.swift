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
    /// as ``require(_:trying:)`` does, `conflict` if somebody else changed the list at the same
    /// time.
    public func revoke(_ node: NodeName, by actor: String) throws -> Bool {
        try require(node, trying: "revoking \(node)")
        return try Revocations(opened()).revoke(node, by: actor, now: world.clock.now())
    }

    /// Lets the node in again. False if it was not revoked. Throws as `revoke` does.
    public func allow(_ node: NodeName, by actor: String) throws -> Bool {
        try require(node, trying: "allowing \(node)")
        return try Revocations(opened()).allow(node, by: actor, now: world.clock.now())
    }
}

/// Which nodes a person can mean.
extension Beside {
    /// Throws `notFound`, with the nodes that there are, if the cluster knows none of that name.
    public func require(_ node: NodeName, trying tried: String) throws {
        guard let stranger = try stranger(node) else { return }
        throw Failure(
            .notFound, "\(tried): \(stranger)",
            fix: "name a node of this cluster; one that was made just now is known once "
                + "`jeeves up` has gone on from there")
    }

    /// Says that the cluster knows no node of that name, and which it has; nil if it knows it.
    public func stranger(_ node: NodeName) throws -> String? {
        let store = try opened()
        let present = try present(store)
        let isKnown =
            try present.contains(node) || Departures(store).last(of: node) != nil
            || Revocations(store).all().contains(node.rawValue)
        guard !isKnown else { return nil }
        let names = present.sorted().map(\.rawValue).joined(separator: ", ")
        return "there is no node \(node); "
            + (names.isEmpty ? "the cluster has none yet" : "the cluster has \(names)")
    }

    /// Those that Terraform made, that have reported, or that a token was made for.
    private func present(_ store: Store) throws -> Set<NodeName> {
        let made = try store.get(Infrastructure.self, .meta, StageRun.infrastructureKey)
        let heard = try store.keys(.statuses, prefix: "").compactMap(NodeName.init(rawValue:))
        return try Set(made.map { Array($0.machines.keys) } ?? []).union(heard)
            .union(Tokens(store).nodes())
    }

    private func opened() throws -> Store {
        try project.requireState(world.files)
        return try Store.open(path: project.store)
    }
}
