import Model
import Store

/// What this coordinator changes, written down: who, what, why, and how it ended.
extension StageRun {
    /// Why something is done: for the rollout, unless a person wanted something else.
    var cause: String { errand ?? Self.cause(of: driving.run) }

    static func cause(of rollout: RunID) -> String { "rollout \(rollout)" }

    func event(_ subject: String, _ outcome: Event.Outcome, _ detail: String = "") -> Event {
        Event(
            at: world.clock.now(), actor: actor, subject: subject, cause: cause,
            outcome: outcome, detail: detail)
    }

    func note(_ subject: String, _ outcome: Event.Outcome, _ detail: String = "") throws {
        try store.append([event(subject, outcome, detail)])
    }

    /// Saves what a node shall be from now on. The same wish, driven by another run, is no event.
    func save(_ spec: NodeSpec, isNew: Bool) throws {
        let write = Write.put(.specs, spec.node.rawValue, try JSON.encode(spec))
        guard isNew else {
            try store.commit([], [write])
            return
        }
        let steps = spec.steps.map(\.id.rawValue).joined(separator: ", ")
        try store.append(
            [event("node/\(spec.node)", .done, "generation \(spec.generation): \(steps)")],
            with: [write], when: [])
    }
}
