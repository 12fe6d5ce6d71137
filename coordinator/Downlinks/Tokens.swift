import FoundationEssentials
import Model
import Outside
import Store
import Trust

/// Enrolment tokens for nodes without an AWS role: single use, for one node, until a deadline, and
/// bound to the first public key that presents them.
struct Tokens: Sendable {
    /// What is kept of a token, under its hash.
    private struct Entry: Codable {
        let node: NodeName
        let until: Date
        /// Hash of the key that presented it first; only that key may come again.
        var key: Digest?
    }

    static let lifetimeMax = Duration.seconds(24 * 3600)

    private let store: Store

    init(_ store: Store) { self.store = store }

    /// A new token for `node`. Its only copy is the returned secret.
    func make(
        for node: NodeName, lifetime: Duration, now: Date, chance: any Chance,
        by actor: String = "coordinator"
    ) throws -> Secret {
        let token = Token.make(chance)
        let until = now.addingTimeInterval(min(lifetime, Self.lifetimeMax).seconds)
        let entry = try JSON.encode(Entry(node: node, until: until))
        let event = Event(
            at: now, actor: actor, subject: "node/\(node)", cause: "operator", outcome: .done,
            detail: "token made, until \(until.formatted(.iso8601))")
        try store.append(
            [event], with: [.put(.tokens, Token.hash(token).rawValue, entry)], when: [])
        return token
    }

    /// Nodes for which a token was made.
    func nodes() throws -> Set<NodeName> {
        Set(try store.list(Entry.self, .tokens).map(\.node))
    }

    /// Throws `unauthorized` if the token is unknown, for another node, over, or was used with
    /// another key.
    func redeem(_ token: Secret, node: NodeName, key: Digest, now: Date) throws {
        func refuse(_ reason: String) -> Failure {
            Failure(
                .unauthorized, "enrolling \(node): the token \(reason)",
                fix: "make a new one with `jeeves token create \(node)`")
        }
        let name = try Token.hash(token).rawValue
        guard let document = try store.get(.tokens, name),
            var entry = try store.get(Entry.self, .tokens, name)
        else { throw refuse("is not known") }
        guard entry.node == node else { throw refuse("is for another node") }
        guard now < entry.until else { throw refuse("has expired") }
        guard entry.key == nil || entry.key == key else { throw refuse("was used already") }
        guard entry.key == nil else { return }
        entry.key = key
        try store.commit(
            [Compare(.tokens, name, at: document.revision)],
            [.put(.tokens, name, JSON.encode(entry))])
    }
}
