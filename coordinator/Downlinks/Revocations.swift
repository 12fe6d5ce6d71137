import Model
import Store

/// Identities that may not connect any more: node names and certificate serials.
struct Revocations: Sendable {
    private static let key = "revoked"
    private let store: Store

    init(_ store: Store) { self.store = store }

    func all() throws -> Set<String> {
        Set(try store.get([String].self, .settings, Self.key) ?? [])
    }

    /// Refuses the node from its next connection on.
    func add(_ node: NodeName) throws {
        try store.put(.settings, Self.key, all().union([node.rawValue]).sorted())
    }
}
