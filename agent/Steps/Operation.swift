import Model
import Outside
import Trust

extension TransientUnit {
    /// A step's long child. The same command has the same name, so an agent that was restarted in
    /// the middle finds it and waits instead of starting a second.
    static func operation(
        of step: StepID, _ command: Command, deadline: Duration
    ) throws -> TransientUnit {
        let digest = try Hash.digest(of: [command.program] + command.arguments)
        return TransientUnit(
            name: "jeeves-op-\(step)-\(digest.rawValue.prefix(12)).service", command: command,
            deadline: deadline)
    }
}

extension Units {
    /// Whether that very operation runs now, started by an earlier agent.
    func isRunning(_ unit: TransientUnit) async throws -> Bool {
        try await ["active", "activating"].contains(state(unit.name).active)
    }
}
