import Model
import Outside

/// One idempotent piece of a rollout, the cluster's counterpart of a node's step.
protocol Stage: Sendable {
    var name: StageName { get }

    /// Reads the world and says what `run` would change. Never writes.
    func plan(_ run: StageRun) async throws -> [Change]

    /// Makes it so and returns what was done in one line. Safe to repeat after a crash anywhere in
    /// it. Throws `conflict` where a person has to decide.
    func run(_ run: StageRun) async throws -> String

    /// A digest of what the stage makes of the cluster file and of the files that it names, so that
    /// content which failed can be known again; nil for a stage that has no such content, or not
    /// yet. Never asks the world.
    func content(_ run: StageRun) throws -> Digest?
}

extension Stage {
    func content(_ run: StageRun) throws -> Digest? { nil }
}

/// What a stage answers when there was nothing to do.
let nothingToDo = "nothing to do"
