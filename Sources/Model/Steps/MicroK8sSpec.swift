/// MicroK8s on one node, installed through snapd and held back from refreshing by itself.
public struct MicroK8sSpec: Codable, Hashable, Sendable {
    public enum Role: String, Codable, Sendable { case controller, worker }

    public let role: Role
    /// Snap channel, `1.34/stable`.
    public let channel: String
    /// Add-ons of the controller, in the order in which they are enabled.
    public let addons: [String]
    /// Further names and addresses in the API server's certificate, which the first join freezes.
    public let extraSANs: [String]

    public init(role: Role, channel: String, addons: [String], extraSANs: [String] = []) {
        self.role = role
        self.channel = channel
        self.addons = addons
        self.extraSANs = extraSANs
    }
}
