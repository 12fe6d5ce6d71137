import Model
import Outside
import Tools
import Trust

/// Whether this node is a member of the cluster that its spec names, and how it becomes one.
///
/// The files of this node are half of the truth; the control plane's word is the coordinator's to
/// ask for.
struct Membership: Sendable {
    /// The SHA-256 of the certificate that a cluster agent serves.
    typealias Look = @Sendable (_ address: String, _ port: UInt16) async throws -> Digest

    enum State: Sendable, Hashable {
        case none
        case member
        /// The control plane that it belongs to instead.
        case elsewhere(String)
    }

    let spec: JoinSpec

    static let joinMax = Duration.seconds(300)

    static let handshake: Look = { address, port in
        let served = try await Probe.connect(
            host: address, port: port, name: DomainName(unchecked: "kubernetes.default.svc"))
        guard let leaf = served.chain.first else {
            throw Failure(
                .unavailable, "looking at \(address):\(port): no certificate was served",
                fix: "look at `microk8s status` on the controller")
        }
        return Hash.sha256(leaf)
    }

    /// Reads the files that MicroK8s leaves behind a join.
    func state(_ world: World) throws -> State {
        let found = try spec.role == .worker ? endpoints(world) : datastore(world)
        guard let found else { return .none }
        if found.contains(where: ([spec.controller] + spec.others).contains) { return .member }
        return .elsewhere(found.isEmpty ? "none" : found.joined(separator: " "))
    }

    /// Control planes that a worker leads to; nil if this node is none.
    private func endpoints(_ world: World) throws -> [String]? {
        guard try world.files.info(MicroK8s.workerLock) != nil else { return nil }
        return MicroK8s.controlPlanes(
            in: try world.files.text(MicroK8s.proxyEndpoints, bytesMax: 64 << 10) ?? "")
    }

    /// Members of a controller's datastore; nil while that is its own, which listens to nobody.
    private func datastore(_ world: World) throws -> [String]? {
        let found = MicroK8s.datastoreMembers(
            in: try world.files.text(MicroK8s.datastoreMembers, bytesMax: 64 << 10) ?? "")
        return found.isEmpty || found == ["127.0.0.1"] ? nil : found
    }

    func conflict(with found: String) -> Failure {
        Failure(
            .conflict,
            "joining \(spec.controller): this node is a member of another cluster (\(found))",
            fix: "run `microk8s leave` on the node if that cluster is not wanted")
    }

    /// Joins with `ticket`, unless this node is a member already.
    ///
    /// Throws `unauthorized` if another certificate is served than the controller's own, before
    /// anything is sent; `conflict` for a member of another cluster, and for a ticket of another
    /// controller than the spec's; and what MicroK8s said if no membership followed, whatever its
    /// exit code was.
    func join(_ ticket: JoinTicket, look: Look, _ world: World) async throws {
        switch try state(world) {
        case .member: return
        case .elsewhere(let found): throw conflict(with: found)
        case .none: break
        }
        guard ticket.controller == spec.controller else {
            throw Failure(
                .conflict,
                "joining \(spec.controller): the ticket is for \(ticket.controller)",
                fix: "run `jeeves up` for a new ticket")
        }
        let served = try await look(ticket.controller, JoinTicket.port)
        guard served == ticket.certificate else {
            throw Failure(
                .unauthorized,
                "joining \(spec.controller): port \(JoinTicket.port) serves another certificate "
                    + "than the controller's own; nothing was sent",
                fix: "see who has the address \(spec.controller), then run `jeeves up` again")
        }
        let finished = try await world.units.run(unit(ticket), op: "join.run")
        guard try state(world) == .member else { throw MicroK8s.joinFailure(finished) }
    }

    /// Named after the controller alone: a second ticket that comes while a join runs waits for it
    /// instead of starting another.
    private func unit(_ ticket: JoinTicket) throws -> TransientUnit {
        let named = try TransientUnit.operation(
            of: StepID("join"), MicroK8s.join(at: spec.controller, as: spec.role),
            deadline: Self.joinMax)
        return TransientUnit(
            name: named.name, command: MicroK8s.join(ticket, as: spec.role),
            deadline: Self.joinMax)
    }
}
