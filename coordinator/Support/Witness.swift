import Model
import Outside

/// Who tells what a support bundle holds besides the state folder: a coordinator that drives, the
/// one that runs beside, or nobody. What it cannot tell it throws, with the reason.
public struct Witness: Sendable {
    var status: @Sendable () async throws -> ClusterStatus
    var examination: @Sendable () async throws -> Examination
    var plan: @Sendable () async throws -> Plan
    var answer: @Sendable (Question, NodeName) async throws -> String
    /// What only it knows and nobody may see.
    var secrets: [Secret] = []

    /// The coordinator of this process.
    public static func driver(_ driver: Driver) -> Witness {
        Witness(
            status: { try await driver.status() }, examination: { try await driver.examine() },
            plan: { try await driver.plan() }, answer: { try await driver.ask($0, of: $1) },
            secrets: Array(driver.run.cloud.childSecrets.values))
    }

    /// The coordinator of another process, which keeps its place.
    public static func beside(_ beside: Beside) -> Witness {
        let refusal = Failure(.locked, "it needs the place of the coordinator that runs now")
        return Witness(
            status: { try ClusterStatus.cached(beside.project, world: beside.world) },
            examination: { throw refusal }, plan: { throw refusal },
            answer: { try await beside.ask($0, of: $1) })
    }

    /// No coordinator could be started, for that reason: only the state folder tells.
    public static func nobody(_ reason: Failure, _ project: Project, world: World) -> Witness {
        let failure = Failure(.unavailable, "starting a coordinator: \(reason.message)")
        return Witness(
            status: { try ClusterStatus.cached(project, world: world) },
            examination: { throw failure }, plan: { throw failure },
            answer: { _, _ in throw failure })
    }
}
