/// What a whole cluster should be: the cluster file, `jeeves.yaml`, decoded. Values are checked one
/// by one here and in combination by `ClusterSpec.problems`.
public struct ClusterSpec: Section {
    /// Name of the cluster; never changes after `jeeves init`.
    public var cluster: ClusterID
    /// Name under which people reach the chat.
    public var domain: DomainName
    public var aws: AWSSection
    public var terraform: TerraformSection
    public var coordinator: CoordinatorSection
    public var agent: AgentSection
    public var nodes: NodesSection
    public var network: NetworkSection
    public var dns: DNSSection
    public var certificate: CertificateSection
    public var edge: EdgeSection
    public var microk8s: MicroK8sSection
    public var ingress: IngressSection
    public var app: AppSection
    public var rollout: RolloutSection
    public var drift: DriftSection

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case cluster, domain, aws, terraform, coordinator, agent, nodes, network, dns, certificate
        case edge, microk8s, ingress, app, rollout, drift
    }

    public static let sections: [CodingKeys: any Section.Type] = [
        .aws: AWSSection.self, .terraform: TerraformSection.self,
        .coordinator: CoordinatorSection.self, .agent: AgentSection.self,
        .nodes: NodesSection.self, .network: NetworkSection.self, .dns: DNSSection.self,
        .certificate: CertificateSection.self, .edge: EdgeSection.self,
        .microk8s: MicroK8sSection.self, .ingress: IngressSection.self, .app: AppSection.self,
        .rollout: RolloutSection.self, .drift: DriftSection.self,
    ]

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        cluster = try file.decode(ClusterID.self, forKey: .cluster)
        domain = try file.decode(DomainName.self, forKey: .domain)
        aws = try file.decode(AWSSection.self, forKey: .aws)
        terraform = try file.decode(.terraform, or: TerraformSection())
        coordinator = try file.decode(CoordinatorSection.self, forKey: .coordinator)
        agent = try file.decode(.agent, or: AgentSection())
        nodes = try file.decode(.nodes, or: NodesSection())
        network = try file.decode(.network, or: NetworkSection())
        dns = try file.decode(.dns, or: DNSSection())
        certificate = try file.decode(CertificateSection.self, forKey: .certificate)
        edge = try file.decode(.edge, or: EdgeSection())
        microk8s = try file.decode(.microk8s, or: MicroK8sSection())
        ingress = try file.decode(.ingress, or: IngressSection())
        app = try file.decode(AppSection.self, forKey: .app)
        rollout = try file.decode(.rollout, or: RolloutSection())
        drift = try file.decode(.drift, or: DriftSection())
    }
}
