import Model
import Tools

/// Compares Kubernetes' members with the machines.
struct MemberRules {
    let census: Census

    var findings: [Finding] {
        switch census.members {
        case .success(let members):
            let sorted = members.sorted { $0.name < $1.name }
            return sorted.compactMap(judge) + missing(sorted)
        case .failure(let failure):
            return [
                .unknown(.unanswered, "kubernetes/members", failure.message, next: "jeeves status")
            ]
        }
    }

    private func judge(_ member: Kubectl.Member) -> Finding? {
        let node = NodeName(rawValue: member.name)
        guard let node, census.infrastructure?.machines[node] != nil else {
            return stranger(member, node)
        }
        // Whoever finishes its departure sees to the rest.
        guard !census.isLeaving(node) else { return nil }
        if member.isClosed, member.isClosedByUs { return forgotten(member, node) }
        if !member.isReady, !census.isDown(node) {
            return .problem(
                .memberNotReady, "node/\(node)", "Kubernetes does not call it ready",
                next: "jeeves kubectl -- describe node \(node)")
        }
        guard member.isClosed else { return nil }
        return .note(
            .closedByPerson, "node/\(node)", "a person has closed it to pods",
            next: "jeeves kubectl -- uncordon \(node)")
    }

    /// One that is no machine. Who is ready lives, would come back by itself, and has pods.
    private func stranger(_ member: Kubectl.Member, _ node: NodeName?) -> Finding {
        let subject = "node/\(member.name)"
        if census.wanted.contains(member.name) {
            return .problem(
                .memberLost, subject,
                "Kubernetes has it as a member and the cluster file wants it, "
                    + "but it has no machine",
                next: "jeeves up")
        }
        if member.isReady || node.map(census.connected.contains) == true {
            return .problem(
                .memberUnknown, subject,
                "Kubernetes has it as a member that lives, but it is no machine of ours",
                next: "on that machine: microk8s leave")
        }
        if let instance = census.instance(of: member) {
            return .problem(
                .memberUnknown, subject,
                "its machine is still there as \(instance), which Terraform's outputs do not name",
                next: "jeeves plan")
        }
        return stale(member, node)
    }

    /// Without EC2's word a machine may still be behind it.
    private func stale(_ member: Kubectl.Member, _ node: NodeName?) -> Finding {
        let (subject, what) = (
            "node/\(member.name)",
            "Kubernetes has it as a member, but it is no machine of ours and not ready"
        )
        guard let node else {
            return .problem(
                .memberStale, subject, what, next: "jeeves kubectl -- delete node \(member.name)")
        }
        guard case .success = census.instances else {
            return .problem(
                .memberStale, subject, "\(what); whether EC2 still has it is unknown",
                next: "jeeves doctor")
        }
        return .problem(
            .memberStale, subject, what, next: "jeeves doctor --fix", remedy: .remove(node))
    }

    /// A worker that is not right stays closed until a rollout has made it so.
    private func forgotten(_ member: Kubectl.Member, _ node: NodeName) -> Finding {
        let steps = census.freshStatus(of: node)
        let isRight =
            member.isReady && !census.isDown(node) && !census.revoked.contains(node.rawValue)
            && steps.map {
                $0.refused == nil && !$0.steps.isEmpty
                    && $0.steps.allSatisfy { $0.state == .converged }
            } ?? false
        let isFree = census.rollout?.endedAt != nil || census.rollout == nil
        return .problem(
            .drainForgotten, "node/\(node)",
            "a rollout closed it to pods and never opened it again"
                + (isRight ? "" : "; it is not right yet"),
            next: isRight && isFree ? "jeeves doctor --fix" : "jeeves up",
            remedy: isRight && isFree ? .open(node) : nil)
    }

    private func missing(_ members: [Kubectl.Member]) -> [Finding] {
        let names = Set(members.map(\.name))
        return census.machines.filter {
            !names.contains($0.name.rawValue) && !census.isLeaving($0.name)
        }.map {
            .problem(
                .memberMissing, "node/\($0.name)",
                "it is a machine of ours, but no member of Kubernetes", next: "jeeves up")
        }
    }
}
