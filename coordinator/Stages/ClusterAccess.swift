import Model
import Outside
import Tools

/// The running cluster as a stage reaches it: kubectl and Helm through a controller's tunnel. It
/// lives as long as the coordinator drives.
struct ClusterAccess: Sendable {
    /// After a first join, or when an add-on restarts the API server, it is away for a while.
    static let outageMax = Duration.seconds(90)
    private static let limits = Limits(deadline: .seconds(60), outputBytesMax: 8 << 20)

    let kubectl: Kubectl
    let helm: Helm
    let run: StageRun

    /// Through the first of `controllers` that is connected; nil means any of the control plane.
    ///
    /// Throws `notFound` before the first provision, `timeout` if no controller is connected, and
    /// `unavailable` if its Kubernetes is not up.
    static func open(
        _ run: StageRun, through controllers: [NodeName]? = nil
    ) async throws -> ClusterAccess {
        let node = try await run.awaitAny(of: controllers ?? run.controlPlane())
        let kubeconfig = try await run.access.kubeconfig(through: node)
        return ClusterAccess(
            kubectl: Kubectl(kubeconfig: kubeconfig),
            helm: Helm(
                kubeconfig: kubeconfig, home: "\(run.project.state)/kube/helm",
                environment: Helm.proxies(of: run.cloud.childEnvironment)),
            run: run)
    }

    /// Reaches the cluster before a node is changed: that it does not answer in time is
    /// `unavailable` then, for no spec was handed yet that could be to blame.
    static func beforeChange<Result: Sendable>(
        _ reach: () async throws -> Result
    ) async throws -> Result {
        do { return try await reach() } catch let failure as Failure
            where failure.code == .timeout || failure.code == .failed
        {
            throw Failure(.unavailable, failure.message, fix: failure.fix)
        }
    }

    /// As ``open(_:)``, for a plan; nil while there is no cluster that could be asked.
    static func ifReachable(_ run: StageRun) async throws -> ClusterAccess? {
        guard let controllers = try? run.controlPlane(),
            !(await run.downlinks.connected()).isDisjoint(with: controllers)
        else { return nil }
        do { return try await open(run) } catch let failure as Failure where failure.mayPass {
            return nil
        }
    }

    /// Runs a command that only reads, or is safe to repeat, again and again while the API server
    /// is away.
    func finished(_ command: Command, op: Op, limits: Limits? = nil) async throws -> Finished {
        let end = run.world.clock.uptime() + Self.outageMax
        while true {
            let finished = try await run.world.processes.run(
                command, limits: limits ?? Self.limits, op: op)
            guard Kubectl.isOutage(finished), run.world.clock.uptime() < end else {
                return finished
            }
            try await run.world.clock.sleep(.seconds(2), op: "\(op).retry")
        }
    }

    /// What such a command prints. Throws `failed` if it does not exit 0.
    func output(_ command: Command, op: Op, limits: Limits? = nil) async throws -> String {
        let finished = try await finished(command, op: op, limits: limits)
        guard finished.succeeded else {
            throw Failure(
                .failed, "running \(command): \(finished.sentence)",
                fix: "run it by hand with `jeeves kubectl -- …` or `jeeves helm -- …` to see all "
                    + "that it says")
        }
        return finished.output
    }

    /// The cluster's nodes as its control plane sees them.
    func members() async throws -> [Kubectl.Member] {
        try Kubectl.members(await output(kubectl.nodes(), op: "kubectl.nodes"))
    }

    /// The version of Kubernetes that answers, or an older one: no kubelet is newer than an API
    /// server (Kubernetes, "Version Skew Policy"). Throws `invalid` if no kubelet says its version.
    static func kubernetes(of members: [Kubectl.Member]) throws -> Version {
        let versions = members.compactMap(\.kubelet).compactMap { Version($0) }
        guard let oldest = versions.min() else {
            throw Failure(
                .invalid, "looking for the version of Kubernetes: no member says it",
                fix: "look at `jeeves kubectl -- get nodes --output=wide`")
        }
        return oldest
    }

    /// Those of `nodes` that the control plane does not call ready.
    func unready(_ nodes: [NodeName]) async throws -> [NodeName: Failure] {
        let ready = Set(try await members().filter(\.isReady).map(\.name))
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

    /// The controllers as the control plane and their links show them now. Throws `unavailable` if
    /// the control plane does not answer: it may have no majority.
    func quorum() async throws -> Quorum {
        let members: [Kubectl.Member]
        do { members = try await self.members() } catch let failure as Failure {
            throw Failure(
                .unavailable, "looking for the other controllers: \(failure.message)",
                fix: "look at `jeeves status`")
        }
        let controllers = try run.infrastructure().nodes(.controller)
        // To those that leave nobody listens any more.
        let leaving = try Departures(run.store).all().filter { $0.phase == .leaving }.map(\.node)
        func named(_ members: [Kubectl.Member]) -> Set<NodeName> {
            Set(controllers).intersection(members.compactMap { NodeName(rawValue: $0.name) })
        }
        return Quorum(
            members: named(members), ready: named(members.filter(\.isReady)),
            connected: await run.downlinks.connected().union(leaving))
    }

    /// Whether the cluster is not as `manifest` wants it.
    func differs(_ manifest: String, op: Op) async throws -> Bool {
        let finished = try await finished(kubectl.diff(Secret(manifest)), op: "\(op).diff")
        return try Kubectl.difference(finished) != .none
    }

    /// What `converge` would change, an object each; `whole` where the cluster cannot compare them
    /// one by one, because their kinds or their namespace are not there yet.
    func changes(to manifest: String, else whole: Change, op: Op) async throws -> [Change] {
        let finished = try await finished(kubectl.diff(Secret(manifest)), op: "\(op).diff")
        guard try Kubectl.difference(finished) != .none else { return [] }
        let found = KubectlDiff.changes(finished.output)
        return found.isEmpty ? [whole] : found
    }

    /// Makes the cluster as `manifest` wants it; false if it was so already.
    func converge(_ manifest: String, op: Op) async throws -> Bool {
        guard try await differs(manifest, op: op) else { return false }
        _ = try await output(kubectl.apply(Secret(manifest)), op: "\(op).apply")
        return true
    }
}
