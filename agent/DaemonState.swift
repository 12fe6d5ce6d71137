import FoundationEssentials
import Model
import Outside

/// Whether the agent's daemon runs, as systemd says. It asks the daemon nothing.
public struct DaemonState: Codable, Hashable, Sendable {
    public enum Word: String, Codable, Sendable {
        case running
        /// Being started, perhaps again and again.
        case starting
        case stopped
        /// Systemd could not be asked.
        case unknown
    }

    static let unit = "jeeves-agent.service"

    public let word: Word
    /// Since when it is so; nil if nobody knows.
    public let since: Date?
    /// How it ended last, or why systemd could not be asked; empty for the ordinary.
    public let detail: String

    /// Never fails: what cannot be asked is unknown.
    static func look(_ world: World) async -> DaemonState {
        do {
            return DaemonState(try await world.units.state(unit))
        } catch {
            let failure = Failure(error, trying: "asking systemd")
            return DaemonState(word: .unknown, since: nil, detail: failure.message)
        }
    }

    private init(word: Word, since: Date?, detail: String) {
        (self.word, self.since, self.detail) = (word, since, detail)
    }

    init(_ state: UnitState) {
        let word: Word =
            switch state.active {
            case "active", "reloading": .running
            case "activating": .starting
            default: .stopped
            }
        let detail =
            if state.load != "loaded" {
                "the unit is \(state.load)"
            } else if word == .running || state.result == "success" {
                ""
            } else if state.result == "exit-code" {
                "it exited with \(state.exitCode)"
            } else {
                "it ended by \(state.result)"
            }
        self.init(word: word, since: state.since, detail: detail)
    }

    /// `the daemon is not running (since 2026-01-01T00:00:00Z, it exited with 1)`.
    public var sentence: String {
        let start =
            switch word {
            case .running: "the daemon is running"
            case .starting: "the daemon is being started"
            case .stopped: "the daemon is not running"
            case .unknown: "nobody knows whether the daemon is running"
            }
        let facts = [since.map { "since \($0.formatted(.iso8601))" } ?? "", detail]
        let known = facts.filter { !$0.isEmpty }.joined(separator: ", ")
        return known.isEmpty ? start : "\(start) (\(known))"
    }

    /// What to type next; empty while it runs.
    public var fix: String {
        switch word {
        case .running: ""
        case .starting: "look at `journalctl --unit=jeeves-agent --lines=50`"
        case .stopped:
            "`systemctl start jeeves-agent`; why it ended is in "
                + "`journalctl --unit=jeeves-agent --lines=50`"
        case .unknown: "look at `systemctl status jeeves-agent`"
        }
    }
}
