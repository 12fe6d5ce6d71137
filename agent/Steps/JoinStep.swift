import Model
import Outside
import Tools

/// This node is a member of the cluster that its spec names.
///
/// It cannot join by itself: only a coordinator's `join` request carries a ticket. So `apply` says
/// that it waits, and the request does the work (``Membership``).
struct JoinStep: Step {
    let id: StepID
    let spec: JoinSpec

    var membership: Membership { Membership(spec: spec) }

    func check(_ world: World) async throws -> Condition {
        switch try membership.state(world) {
        case .none: .missing
        case .member: .right
        case .elsewhere(let found):
            .differs([Difference("control plane", found: found, wanted: spec.controller)])
        }
    }

    /// Throws `unavailable`: a ticket has to come. Throws `conflict` for a member of another
    /// cluster, which Jeeves never takes from there by itself.
    func apply(_ world: World) async throws {
        switch try membership.state(world) {
        case .member: return
        case .elsewhere(let found): throw membership.conflict(with: found)
        case .none:
            throw Failure(
                .unavailable, "joining \(spec.controller): waiting for a ticket",
                fix: "run `jeeves up`: the coordinator asks the controller for one")
        }
    }

    /// Leaves the cluster; MicroK8s then resets itself to a cluster of one.
    func remove(_ world: World) async throws {
        if case .none = try membership.state(world) { return }
        let leave = try TransientUnit.operation(
            of: id, MicroK8s.leave(), deadline: .seconds(300))
        let finished = try await world.units.run(leave, op: "join.leave")
        guard case .none = try membership.state(world) else {
            throw Failure(
                .failed, "leaving the cluster: \(MicroK8s.sentence(finished))",
                fix: "run `microk8s leave` on the node")
        }
    }

    func detail(_ world: World) async -> String {
        guard case .member = try? membership.state(world) else { return "" }
        return "member of \(spec.controller)"
    }
}
