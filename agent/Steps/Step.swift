import Model
import Outside

/// One idempotent piece of a node.
///
/// After every `apply` the reconciler checks again: the exit codes of children are facts, not
/// verdicts. Nothing here may start microk8s, certbot, apt or snap from `check`.
public protocol Step: Sendable {
    /// Reads the node and says what differs. Never writes.
    func check(_ world: World) async throws -> Condition

    /// Makes it so. Safe to repeat after a crash anywhere in it.
    func apply(_ world: World) async throws

    /// The same for a step that takes minutes: says meanwhile what it does, a line for a person.
    func apply(_ world: World, telling tell: @escaping Telling) async throws

    /// Takes it away. Safe to repeat after a crash anywhere in it.
    func remove(_ world: World) async throws

    /// What `apply` would change in files, as ``UnifiedDiff`` writes it, without secrets; empty if
    /// that is no text. Never writes.
    func diff(_ world: World) async throws -> String

    /// What is running now in one line, for the status; reads only.
    func detail(_ world: World) async -> String

    /// The public certificate that the step keeps on disk, for the status; reads only.
    func publicCertificate(_ world: World) async -> PublicCertificate?
}

/// Where a step says what it does while it is applied.
public typealias Telling = @Sendable (String) async -> Void

extension Step {
    public func apply(_ world: World, telling tell: @escaping Telling) async throws {
        try await apply(world)
    }

    public func diff(_ world: World) async throws -> String { "" }
    public func detail(_ world: World) async -> String { "" }
    public func publicCertificate(_ world: World) async -> PublicCertificate? { nil }
}
