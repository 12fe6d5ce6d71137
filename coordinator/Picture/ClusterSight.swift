import Tools

/// What the control plane said of its nodes and pods when the layers were looked at. Each is nil if
/// it could not be asked.
struct ClusterSight: Codable, Sendable, Hashable {
    var members: [Kubectl.Member]?
    /// Those of Traefik.
    var ingress: [Kubectl.Workload]?
    /// Those of the application.
    var app: [Kubectl.Workload]?
}
