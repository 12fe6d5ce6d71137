import FoundationEssentials
import Model
import Store

/// What a person wants of a rollout that another process runs.
struct Order: Codable, Hashable, Sendable {
    enum Wish: String, Codable, Sendable { case pause, resume, abort, promote }

    /// It means nothing to any other: what a process that died was told holds up nobody.
    let rollout: RunID
    let wish: Wish
    /// Who gave it: `user@host`.
    let by: String
}

/// The last order, on its way from the verb that gives it to the rollout that it is for.
struct Orders: Sendable {
    private static let key = "rollout-order"
    let store: Store

    /// Writes it down with its event. An abort stays: throws `conflict` for anything after it.
    func give(_ order: Order, now: Date) throws {
        let last = try store.get(.meta, Self.key)
        guard try current(for: order.rollout)?.wish != .abort else {
            throw Failure(
                .conflict, "telling rollout \(order.rollout) to \(order.wish): it is being aborted",
                fix: "wait for its end, then run `jeeves up` to go on")
        }
        let event = Event(
            at: now, actor: order.by, subject: "rollout/\(order.rollout)", cause: "operator",
            outcome: .done, detail: "told to \(order.wish)")
        try store.append(
            [event], with: [.put(.meta, Self.key, JSON.encode(order))],
            when: [Compare(.meta, Self.key, at: last?.revision)])
    }

    /// What that rollout was told last; nil if nothing.
    func current(for rollout: RunID) throws -> Order? {
        try store.get(Order.self, .meta, Self.key).flatMap { $0.rollout == rollout ? $0 : nil }
    }

    /// Whether a person has promoted that rollout's batch after `revision`.
    func isPromoted(_ rollout: RunID, since revision: Revision) throws -> Bool {
        guard let given = try store.get(.meta, Self.key), given.revision > revision else {
            return false
        }
        return try current(for: rollout)?.wish == .promote
    }

    /// Returns the last order once it `isDue`. Throws `CancellationError` if the task is cancelled.
    func await(
        for rollout: RunID, until isDue: (Order?) -> Bool
    ) async throws -> Order? {
        while true {
            let revision = try store.revision()
            let order = try current(for: rollout)
            if isDue(order) { return order }
            // The stream ends early for a watcher that fell behind, which looks again.
            for await change in try store.watch(from: revision)
            where change.collection == .meta && change.key == Self.key { break }
            try Task.checkCancellation()
        }
    }
}

extension StageRun {
    /// Where a rollout may rest: before a stage, or before a batch of one. Waits for as long as a
    /// person wants it paused. Throws `CancellationError` if it is aborted.
    func checkpoint(before what: String) async throws {
        let orders = Orders(store: store)
        guard let order = try orders.current(for: driving.run) else { return }
        // Who listens for it all the time has ended if the store failed once.
        if order.wish == .abort { throw CancellationError() }
        guard order.wish == .pause else { return }
        say(
            "paused by \(order.by) before \(what); go on with `jeeves rollout resume`, end it with "
                + "`jeeves rollout abort`")
        try mark(.paused, "paused by \(order.by) before \(what)")
        let next = try await orders.await(for: driving.run) { $0?.wish != .pause }
        guard let next, next.wish != .abort else { throw CancellationError() }
        try mark(.running, "resumed by \(next.by) before \(what)")
        say("resumed by \(next.by)")
    }

    /// Rests until a person lets the rollout go on from its first batch. Throws `CancellationError`
    /// if it is aborted.
    func awaitPromotion(before what: String) async throws {
        let orders = Orders(store: store)
        let beginning = try store.revision()
        try mark(.paused, "waiting to be promoted to \(what)")
        say(
            "the first batch is right; waiting for `jeeves rollout promote` before \(what), or "
                + "`jeeves rollout abort`")
        let next = try await orders.await(for: driving.run) { order in
            order?.wish == .abort
                || (try? orders.isPromoted(driving.run, since: beginning)) == true
        }
        guard let next, next.wish == .promote else { throw CancellationError() }
        try mark(.running, "promoted by \(next.by) to \(what)")
        say("promoted by \(next.by)")
    }

    private func mark(_ state: Rollout.State, _ detail: String) throws {
        let rollouts = Rollouts(store)
        guard var rollout = try rollouts.find(driving.run) else { return }
        rollout.state = state
        try rollouts.save(
            rollout,
            [event("rollout/\(driving.run)", state == .paused ? .paused : .started, detail)])
    }
}
