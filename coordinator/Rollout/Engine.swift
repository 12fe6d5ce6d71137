import FoundationEssentials
import Logging
import Model
import Outside

/// Walks a recipe from the first stage to the last, saving what it does before and after each.
///
/// Every stage is safe to repeat, so resuming is walking again: what is right already is found so
/// by the stage itself. It is one of the two places that may catch an error and go on, and it goes
/// on only to write the outcome down.
struct Engine: Sendable {
    let recipe: [any Stage]
    let run: StageRun
    /// Where the recipe leads, if it leads the whole cluster.
    var goal: Rollout.Goal?
    let children: ChildTime
    let progress: @Sendable (RolloutProgress) -> Void

    /// Runs the whole recipe, and ends it as an interrupt would once a person aborts it. Throws the
    /// failure of the stage that stopped it, after it was saved.
    func walk() async throws -> Rollout {
        let walking = Task { try await steps() }
        let listening = Task {
            _ = try await Orders(store: run.store).await(for: run.driving.run) {
                $0?.wish == .abort
            }
            walking.cancel()
        }
        defer { listening.cancel() }
        return try await withTaskCancellationHandler {
            try await walking.value
        } onCancel: {
            walking.cancel()
        }
    }

    private func steps() async throws -> Rollout {
        let clock = run.world.clock
        let rollouts = Rollouts(run.store)
        var rollout = Rollout(
            id: run.driving.run, epoch: run.driving.epoch, startedAt: clock.now(), goal: goal)
        let subject = "rollout/\(rollout.id)"
        try rollouts.save(rollout, [run.event(subject, .started)])
        for stage in recipe {
            var entry = Rollout.Progress(stage: stage.name, startedAt: clock.now())
            progress(.started(stage.name, at: entry.startedAt))
            rollout.stages.append(entry)
            try rollouts.save(rollout)
            let childrenBefore = children.total()
            do {
                // A stage that only finished its effect was interrupted all the same.
                try Task.checkCancellation()
                try await run.checkpoint(before: "stage \(stage.name.rawValue)")
                entry.summary = try await stage.run(run)
                entry.state = .done
            } catch {
                // Whatever a stage makes of being cancelled, it did not fail.
                let isInterrupt = error is CancellationError || Task.isCancelled
                entry.state = isInterrupt ? try interruption() : .failed
                entry.failure =
                    isInterrupt ? nil : Failure(error, trying: "stage \(stage.name.rawValue)")
            }
            entry.endedAt = clock.now()
            entry.childSeconds = (children.total() - childrenBefore).seconds
            rollout.stages[rollout.stages.count - 1] = entry
            let events = event(of: entry).map { [$0] } ?? []
            if entry.state == .done {
                try rollouts.save(rollout, events)
            } else {
                let last = run.event(subject, entry.state.outcome, "in stage \(entry.stage)")
                try rollouts.end(&rollout, as: entry.state, now: clock.now(), events + [last])
            }
            progress(.ended(entry))
            guard entry.state == .done else { throw try ending(of: rollout) }
        }
        // Known a moment ago; a file that is gone since is no reason to have failed.
        rollout.goal?.contents = (try? run.contents(of: recipe)) ?? [:]
        try rollouts.end(&rollout, as: .done, now: clock.now(), [run.event(subject, .done)])
        return rollout
    }

    private func interruption() throws -> Rollout.State {
        try abortion() == nil ? .interrupted : .aborted
    }

    private func abortion() throws -> Order? {
        try Orders(store: run.store).current(for: run.driving.run).flatMap {
            $0.wish == .abort ? $0 : nil
        }
    }

    /// What a stage that stopped the walk is thrown as.
    private func ending(of rollout: Rollout) throws -> any Error {
        if let failure = rollout.stages.last?.failure { return failure }
        guard rollout.state == .aborted, let order = try abortion() else {
            return CancellationError()
        }
        return rollout.abortion(by: order.by)
    }

    /// Nil for a stage that did nothing.
    private func event(of entry: Rollout.Progress) -> Event? {
        guard entry.state != .done || entry.summary != nothingToDo else { return nil }
        return run.event(
            "stage/\(entry.stage.rawValue)", entry.state.outcome,
            entry.failure?.message ?? entry.summary)
    }
}

extension Rollout {
    /// What it means that somebody ended it.
    func abortion(by actor: String) -> Failure {
        let stage = stages.last?.stage.rawValue ?? "preflight"
        let rest = StageName.allCases.filter { name in !stages.contains { $0.stage == name } }
        let later = rest.map(\.rawValue).joined(separator: ", ")
        return Failure(
            .failed,
            "rollout \(id): \(actor) aborted it; stage \(stage) may be half done, what came before "
                + "stays as it is" + (later.isEmpty ? "" : ", and not begun were \(later)"),
            fix: "run `jeeves up` to go on: it begins after what is done")
    }
}

extension Rollout.State {
    var outcome: Event.Outcome {
        switch self {
        case .running: .started
        case .paused: .paused
        case .done: .done
        case .failed: .failed
        case .interrupted: .interrupted
        case .aborted: .aborted
        }
    }
}
