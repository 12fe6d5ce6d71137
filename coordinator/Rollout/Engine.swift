import FoundationEssentials
import Logging
import Model
import Outside
import Store

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
        var rollout = Rollout(
            id: run.driving.run, epoch: run.driving.epoch, startedAt: clock.now())
        try save(rollout)
        for stage in recipe {
            var entry = Rollout.Progress(stage: stage.name, startedAt: clock.now())
            progress(.started(stage.name))
            rollout.stages.append(entry)
            try save(rollout)
            let childrenBefore = children.total()
            do {
                entry.summary = try await stage.run(run)
                entry.state = .done
            } catch {
                let isInterrupt = error is CancellationError
                entry.state = isInterrupt ? .interrupted : .failed
                entry.failure =
                    isInterrupt ? nil : Failure(error, trying: "stage \(stage.name.rawValue)")
            }
            entry.endedAt = clock.now()
            entry.childSeconds = (children.total() - childrenBefore).seconds
            rollout.stages[rollout.stages.count - 1] = entry
            rollout.state = entry.state == .done ? .running : entry.state
            try save(rollout)
            progress(.ended(entry))
            if let failure = entry.failure { throw failure }
            if entry.state == .interrupted { throw CancellationError() }
        }
        rollout.state = .done
        rollout.endedAt = clock.now()
        try save(rollout)
        return rollout
    }

    private func save(_ rollout: Rollout) throws {
        try run.store.put(.rollouts, rollout.id.rawValue, rollout)
        try run.store.put(.meta, Self.lastRolloutKey, rollout.id.rawValue)
    }

    static let lastRolloutKey = "last-rollout"
}

/// What a person sees of a rollout while it runs.
public enum RolloutProgress: Sendable, Hashable {
    case started(StageName)
    case line(String)
    case ended(Rollout.Progress)
}
