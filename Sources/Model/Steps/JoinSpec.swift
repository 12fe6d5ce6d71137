/// This node is a member of the cluster: one of its workers, or of its control plane. The ticket is
/// not here: a spec is replayed, and a ticket works once.
public struct JoinSpec: Codable, Hashable, Sendable {
    private enum CodingKeys: String, CodingKey { case controller, others, role }

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

    /// What such a spec means by default is left out, so that it keeps its digest.
    public func encode(to encoder: any Encoder) throws {
        var spec = encoder.container(keyedBy: CodingKeys.self)
        try spec.encode(controller, forKey: .controller)
        if !others.isEmpty { try spec.encode(others, forKey: .others) }
        if role != .worker { try spec.encode(role, forKey: .role) }
    }
}
