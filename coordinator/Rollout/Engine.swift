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
    let children: ChildTime
    let progress: @Sendable (RolloutProgress) -> Void

    /// Runs the whole recipe. Throws the failure of the stage that stopped it, after it was saved.
    func walk() async throws -> Rollout {
        let clock = run.world.clock
        let rollouts = Rollouts(run.store)
        var rollout = Rollout(
            id: run.driving.run, epoch: run.driving.epoch, startedAt: clock.now())
        try rollouts.save(rollout)
        for stage in recipe {
            var entry = Rollout.Progress(stage: stage.name, startedAt: clock.now())
            progress(.started(stage.name))
            rollout.stages.append(entry)
            try rollouts.save(rollout)
            let childrenBefore = children.total()
            do {
                // A stage that only finished its effect was interrupted all the same.
                try Task.checkCancellation()
                entry.summary = try await stage.run(run)
                entry.state = .done
            } catch {
                // Whatever a stage makes of being cancelled, it did not fail.
                let isInterrupt = error is CancellationError || Task.isCancelled
                entry.state = isInterrupt ? .interrupted : .failed
                entry.failure =
                    isInterrupt ? nil : Failure(error, trying: "stage \(stage.name.rawValue)")
            }
            entry.endedAt = clock.now()
            entry.childSeconds = (children.total() - childrenBefore).seconds
            rollout.stages[rollout.stages.count - 1] = entry
            if entry.state == .done {
                try rollouts.save(rollout)
            } else {
                try rollouts.end(&rollout, as: entry.state, now: clock.now())
            }
            progress(.ended(entry))
            if let failure = entry.failure { throw failure }
            if entry.state == .interrupted { throw CancellationError() }
        }
        try rollouts.end(&rollout, as: .done, now: clock.now())
        return rollout
    }
}

/// What a person sees of a rollout while it runs.
public enum RolloutProgress: Sendable, Hashable {
    case started(StageName)
    case line(String)
    case ended(Rollout.Progress)
}
