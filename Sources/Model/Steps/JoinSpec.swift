/// This node is a member of the cluster: one of its workers, or of its control plane. The ticket is
/// not here: a spec is replayed, and a ticket works once.
public struct JoinSpec: Codable, Hashable, Sendable {
    /// The private IPv4 address of the controller that it joins through.
    public let controller: String
    /// Those of the other controllers: who has joined stays a member while the first is away.
    public let others: [String]
    /// What it becomes.
    public let role: MicroK8sSpec.Role

    public init(
        controller: String, others: [String] = [], role: MicroK8sSpec.Role = .worker
    ) {
        self.controller = controller
        self.others = others
        self.role = role
    }

    /// A spec from before there were several controllers is that of a worker of the only one.
    public init(from decoder: any Decoder) throws {
        let spec = try decoder.container(keyedBy: CodingKeys.self)
        controller = try spec.decode(String.self, forKey: .controller)
        others = try spec.decode(.others, or: [])
        role = try spec.decode(.role, or: .worker)
    }
}
