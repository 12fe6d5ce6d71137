/// What a node holds of one certificate of its edge, looked at when it was asked.
public struct HeldCertificate: Codable, Hashable, Sendable {
    /// What HAProxy has in memory.
    public enum Memory: Codable, Hashable, Sendable {
        /// This serial number, in lower-case hexadecimal; used by its list, or lying there.
        case serial(String, isUsed: Bool)
        case nothing
        /// HAProxy could not be asked.
        case unknown(Failure)
    }

    /// The kind that its place is for.
    public let keyType: KeyType
    /// In the bundle that HAProxy reads when it starts; nil if there is none.
    public let disk: PublicCertificate?
    public let memory: Memory

    public init(keyType: KeyType, disk: PublicCertificate?, memory: Memory) {
        self.keyType = keyType
        self.disk = disk
        self.memory = memory
    }
}
