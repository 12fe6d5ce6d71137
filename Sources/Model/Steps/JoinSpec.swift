/// This worker is a member of one controller's cluster. The ticket is not here: a spec is replayed,
/// and a ticket works once.
public struct JoinSpec: Codable, Hashable, Sendable {
    /// The controller's private IPv4 address.
    public let controller: String

    public init(controller: String) { self.controller = controller }
}
