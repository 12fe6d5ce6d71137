import FoundationEssentials
import Model
import Store

/// Identities that may not connect, renew or enrol: node names and certificate serials. A person
/// revokes and allows them beside a running coordinator, which looks here at each connection, at
/// each word of a node, and every few seconds.
struct Revocations: Sendable {
    static let lookEvery = Duration.seconds(5)
    private static let key = "revoked"
    private let store: Store

    init(_ store: Store) { self.store = store }

    func all() throws -> Set<String> {
        Set(try store.get([String].self, .settings, Self.key) ?? [])
    }

    /// Throws `unauthorized` if the node, or the certificate that it shows, is revoked. `tried` is
    /// what it wants: `enrolling`.
    func admit(_ node: NodeName, serial: String = "", to tried: String) throws {
        let denied = try all()
        guard denied.isDisjoint(with: [node.rawValue, serial]) else {
            throw Failure(
                .unauthorized, "\(tried) \(node): it has been revoked",
                fix: "if it shall come back, run `jeeves node allow \(node)` at the coordinator")
        }
    }

    /// Shuts the node out. False if it was already. Throws `conflict` if somebody else changed the
    /// list at the same time.
    func revoke(_ node: NodeName, by actor: String, now: Date) throws -> Bool {
        try change(
            Event(
                at: now, actor: actor, subject: "node/\(node)", cause: "operator",
                outcome: .done, detail: "revoked")
        ) { $0.insert(node.rawValue).inserted }
    }

    /// Lets the node in again. False if it was not revoked. Throws as ``revoke(_:by:now:)`` does.
    func allow(_ node: NodeName, by actor: String, now: Date) throws -> Bool {
        try change(
            Event(
                at: now, actor: actor, subject: "node/\(node)", cause: "operator",
                outcome: .done, detail: "allowed")
        ) { $0.remove(node.rawValue) != nil }
    }

    private func change(_ event: Event, _ edit: (inout Set<String>) -> Bool) throws -> Bool {
        let revision = try store.get(.settings, Self.key)?.revision
        var denied = try all()
        guard edit(&denied) else { return false }
        try store.append(
            [event], with: [.put(.settings, Self.key, JSON.encode(denied.sorted()))],
            when: [Compare(.settings, Self.key, at: revision)])
        return true
    }
}
