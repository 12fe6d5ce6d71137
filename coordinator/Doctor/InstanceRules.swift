import Model

/// Compares what Terraform made with EC2's own list.
struct InstanceRules {
    let census: Census

    var findings: [Finding] { provision + down + orphans + unanswered }

    private var provision: [Finding] {
        guard census.infrastructure == nil else { return [] }
        return [
            .note(
                .notProvisioned, "cluster", "nothing is provisioned yet: there are no machines",
                next: "jeeves up")
        ]
    }

    private var down: [Finding] {
        census.machines.compactMap { node, machine in
            guard let state = census.outage(of: machine) else { return nil }
            let isStopped = ["stopped", "stopping"].contains(state)
            return .problem(
                .machineDown, "node/\(node)",
                "Terraform made \(machine.instanceID) for it; EC2 says that it is \(state)",
                next: isStopped
                    ? "aws ec2 start-instances --instance-ids \(machine.instanceID)" : "jeeves up")
        }
    }

    /// Never offered for removal: whoever made one may need it.
    private var orphans: [Finding] {
        guard case .success(let orphans) = census.orphans else { return [] }
        return orphans.map {
            .problem(
                .orphan, "\($0.kind)/\($0.id)",
                "it has the cluster's tag, and Terraform's state does not name it",
                next: Orphans.command(for: $0))
        }
    }

    private var unanswered: [Finding] {
        if case .failure(let failure) = census.instances {
            return [
                .unknown(
                    .unanswered, "aws/instances", failure.message,
                    next: "aws sts get-caller-identity")
            ]
        }
        if case .failure(let failure) = census.orphans {
            return [.unknown(.unanswered, "aws/orphans", failure.message, next: "jeeves plan")]
        }
        return []
    }
}
