import Model

/// The root module's `terraform.tfvars.json`: constant for a node's life and free of secrets,
/// because user data is readable by everything on the instance.
struct TerraformVariables: Codable, Hashable, Sendable {
    struct Node: Codable, Hashable, Sendable {
        let instance_type: String
        let disk_gib: Int
        let ami: String
    }

    let cluster: String
    let region: String
    let cidr: String
    let controllers: [String: Node]
    let workers: [String: Node]
    let root_pin: String
    let coordinator_addresses: [String]
    let agent_package_url: String
    let agent_package_sha256: String

    /// Of every node that is wanted.
    var names: Set<String> { Set(controllers.keys).union(workers.keys) }

    init(_ spec: ClusterSpec, pin: Digest, package: AgentPackage) {
        func group(_ role: String, _ group: NodesSection.Group) -> [String: Node] {
            var nodes: [String: Node] = [:]
            for index in 0..<group.count {
                nodes["\(role)-\(index + 1)"] = Node(
                    instance_type: group.instanceType, disk_gib: group.diskGiB, ami: group.ami)
            }
            return nodes
        }
        cluster = spec.cluster.rawValue
        region = spec.aws.region
        cidr = spec.network.cidr
        controllers = group("controller", spec.nodes.controllers)
        workers = group("worker", spec.nodes.workers)
        root_pin = pin.rawValue
        coordinator_addresses = spec.coordinator.addresses
        agent_package_url = package.url
        agent_package_sha256 = package.sha256.rawValue
    }
}

/// Where first boot fetches the agent, and what it must hash to.
public struct AgentPackage: Codable, Hashable, Sendable {
    public let url: String
    public let sha256: Digest

    public init(url: String, sha256: Digest) {
        self.url = url
        self.sha256 = sha256
    }
}
