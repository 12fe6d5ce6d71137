/// What Terraform made: read back from its outputs, and what enrolling nodes are matched with.
public struct Infrastructure: Codable, Hashable, Sendable {
    public struct Machine: Codable, Hashable, Sendable {
        public let role: MicroK8sSpec.Role
        public let instanceID: String
        public let privateAddress: String
        /// The elastic address of a controller; empty if it has none.
        public let publicAddress: String

        public init(
            role: MicroK8sSpec.Role, instanceID: String, privateAddress: String,
            publicAddress: String
        ) {
            self.role = role
            self.instanceID = instanceID
            self.privateAddress = privateAddress
            self.publicAddress = publicAddress
        }
    }

    public let account: String
    /// Name of the IAM role of all nodes.
    public let roleName: String
    public let machines: [NodeName: Machine]

    public init(account: String, roleName: String, machines: [NodeName: Machine]) {
        self.account = account
        self.roleName = roleName
        self.machines = machines
    }

    /// Nodes of one role in the order of their names.
    public func nodes(_ role: MicroK8sSpec.Role) -> [NodeName] {
        machines.filter { $0.value.role == role }.keys.sorted()
    }

    /// The node at which people's traffic arrives.
    public var edgeNode: NodeName? { Self.edge(of: machines.mapValues(\.role)) }

    /// Of nodes with these roles the edge is on the first controller; nil without one.
    public static func edge(of roles: [NodeName: MicroK8sSpec.Role]) -> NodeName? {
        roles.filter { $0.value == .controller }.keys.min()
    }

    /// Address that the chat's A record must hold: that of the edge.
    public var edgeAddress: String? {
        edgeNode.flatMap { machines[$0]?.publicAddress }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
