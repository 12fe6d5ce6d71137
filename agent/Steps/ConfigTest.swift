import Model
import Outside
import Tools

/// Whether HAProxy would start with a configuration and all the files that it names.
enum ConfigTest {
    /// What HAProxy says against it, each with its line; empty if nothing.
    static func complaints(
        about path: String, _ world: World, op: Op
    ) async throws -> [String] {
        let finished = try await world.processes.run(
            HAProxy.check(path), limits: Limits(deadline: .seconds(30)), op: op)
        if finished.succeeded { return [] }
        let complaints = HAProxy.complaints(finished)
        return complaints.isEmpty ? [finished.sentence] : complaints
    }
}
