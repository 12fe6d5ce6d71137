import FoundationEssentials
import Model

/// A program to run as a transient systemd unit, so that it outlives a restart of the agent.
public struct TransientUnit: Sendable, Hashable {
    /// `jeeves-op-<step>-<digest>.service`: the same work has the same name, so it is found again.
    public let name: String
    public let command: Command
    /// `RuntimeMaxSec`: after this systemd stops it.
    public let deadline: Duration

    public init(name: String, command: Command, deadline: Duration) {
        self.name = name
        self.command = command
        self.deadline = deadline
    }
}

/// What systemd says of a unit (org.freedesktop.systemd1, Unit and Service interfaces).
public struct UnitState: Sendable, Hashable {
    /// `LoadState`: loaded, not-found, masked.
    public var load: String
    /// `ActiveState`: active, activating, inactive, failed.
    public var active: String
    /// `Result` of a service: success, exit-code, timeout, signal.
    public var result: String
    /// `ExecMainStatus`: exit code of the main process.
    public var exitCode: Int32
    /// `StateChangeTimestamp`: since when it is so; nil if systemd does not say.
    public var since: Date?

    public init(
        load: String, active: String, result: String, exitCode: Int32, since: Date? = nil
    ) {
        self.load = load
        self.active = active
        self.result = result
        self.exitCode = exitCode
        self.since = since
    }
}

/// systemd's units.
public protocol Units: Sendable {
    func state(_ unit: String) async throws -> UnitState

    /// Starts, stops, reloads or restarts a unit and waits for the job's end. Throws `failed` with
    /// the job's result, `timeout` after `deadline`.
    func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws

    /// Masks a unit and stops it, or does nothing if it is masked already.
    func mask(_ unit: String, op: Op) async throws

    /// Runs `unit` to its end, or finds it running already and awaits that. Its output goes to
    /// `/run/jeeves/<name>.out`, of which the last 64 KiB are returned.
    ///
    /// Throws `timeout` if systemd stopped it at its deadline, `unsupported` if the command carries
    /// a secret: anybody may read a unit's properties.
    func run(_ unit: TransientUnit, op: Op) async throws -> Finished
}

public enum UnitVerb: String, Sendable { case start, stop, reload, restart }
