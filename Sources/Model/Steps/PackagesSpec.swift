/// Debian packages that the node needs, from whatever apt sources the node already has.
public struct PackagesSpec: Codable, Hashable, Sendable {
    /// Package names as apt knows them; installed if missing, never upgraded or removed.
    public let names: [String]
    /// systemd units to mask because Jeeves owns their work: `certbot.timer`.
    public let masked: [String]

    public init(names: [String], masked: [String] = []) {
        self.names = names
        self.masked = masked
    }
}
