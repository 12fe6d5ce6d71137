import Model

/// Terraform's state as `terraform state pull` prints it: whose it is, how old, and what it names.
public struct TerraformState: Sendable {
    /// Chosen when a state was begun. Two states of one lineage are one state at two times.
    public let lineage: String
    /// Grows with every change.
    public let serial: Int
    public let isEmpty: Bool
    private let text: String

    /// Nil for no text: nobody has written a state there. Throws `invalid` for one that cannot be
    /// read.
    public init?(_ text: String) throws {
        struct State: Decodable {
            struct Resource: Decodable {}
            let lineage: String
            let serial: Int
            let resources: [Resource]
        }
        guard text.contains(where: { !$0.isWhitespace }) else { return nil }
        let state = try JSON.decode(State.self, from: text.utf8, what: "Terraform's state")
        (lineage, serial, isEmpty) = (state.lineage, state.serial, state.resources.isEmpty)
        self.text = text
    }

    public func names(_ id: String) -> Bool { text.contains("\"\(id)\"") }
}
