import AWS
import Model
import Outside
import Tools

/// What a killed Terraform made last and could not write into its state any more. Terraform would
/// make it a second time; a person has to say what becomes of the first. Reads only.
struct Orphans: Sendable {
    let run: StageRun
    let terraform: Terraform

    /// Resources with the cluster's tag that Terraform's state does not name.
    func find() async throws -> [EC2.Tagged] {
        let tagged = try await run.cloud.ec2.tagged(with: run.cluster.cluster)
        guard !tagged.isEmpty else { return [] }
        // A terminated instance keeps its tags for about an hour.
        let alive = Set(try await run.cloud.ec2.instances(of: run.cluster.cluster).map(\.id))
        let state = try await run.world.processes.output(
            of: terraform.state(),
            limits: Limits(deadline: .seconds(120), outputBytesMax: 32 << 20),
            op: "terraform.state")
        return tagged.filter { resource in
            if resource.kind == "instance", !alive.contains(resource.id) { return false }
            return !state.contains("\"\(resource.id)\"")
        }
    }

    /// One line for each, with the command that takes it away; what goes with something else, as a
    /// rule does with its group, can only be looked at.
    static func lines(_ found: [EC2.Tagged]) -> [String] {
        found.map { resource in
            let verb = verbs[resource.kind] == nil ? "look at" : "delete"
            return "\(resource.kind) \(resource.id): \(verb) it with `\(command(for: resource))`"
        }
    }

    /// Takes it away, or shows it if it goes with something else.
    static func command(for resource: EC2.Tagged) -> String {
        verbs[resource.kind].map { "aws ec2 \($0) \(resource.id)" }
            ?? "aws ec2 describe-tags --filters Name=resource-id,Values=\(resource.id)"
    }

    private static let verbs = [
        "instance": "terminate-instances --instance-ids",
        "elastic-ip": "release-address --allocation-id",
        "vpc-elastic-ip": "release-address --allocation-id",
        "network-interface": "delete-network-interface --network-interface-id",
        "security-group": "delete-security-group --group-id",
        "route-table": "delete-route-table --route-table-id",
        "internet-gateway": "delete-internet-gateway --internet-gateway-id",
        "subnet": "delete-subnet --subnet-id",
        "volume": "delete-volume --volume-id",
        "vpc": "delete-vpc --vpc-id",
    ]
}
