import FoundationEssentials
import Logging
import Model
import Outside
import Support
import Synchronization

/// Returns once `fact` is so. Throws `timeout` after half a minute of real time.
func eventually(
    _ what: String, _ fact: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while try await !fact() {
        guard ContinuousClock.now < end else {
            throw Failure(.timeout, "waiting until \(what): it never was so")
        }
        try await ContinuousClock().sleep(for: .milliseconds(2))
    }
}

/// Everything that one process logs, with its metadata, for a test to find sentences in.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger {
        Logger(label: "test") { _ in Writer(diary: self) }
    }

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func says(_ words: String) -> Bool { lines.withLock { $0.contains { $0.contains(words) } } }

    private struct Writer: LogHandler {
        let diary: Diary
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
            let line = "\(event.message) \(details.joined(separator: " "))"
            diary.lines.withLock { $0.append(line) }
        }
    }
}

/// A manual clock that knows who sleeps on it and for how long they asked to.
final class NapClock: Clocks {
    private struct State {
        var asleep: [Op: Int] = [:]
        var naps: [(op: Op, duration: Duration)] = []
    }

    private let clock: ManualClock
    private let state = Mutex(State())

    init(_ clock: ManualClock) { self.clock = clock }

    func now() -> Date { clock.now() }
    func uptime() -> Duration { clock.uptime() }

    func sleep(_ duration: Duration, op: Op) async throws {
        state.withLock {
            $0.naps.append((op, duration))
            $0.asleep[op, default: 0] += 1
        }
        defer { state.withLock { $0.asleep[op, default: 0] -= 1 } }
        try await clock.sleep(duration, op: op)
    }

    /// How long each of the sleeps named `op` was meant to be.
    func naps(_ op: Op) -> [Duration] {
        state.withLock { $0.naps.filter { $0.op == op }.map(\.duration) }
    }

    func isAsleep(_ op: Op) -> Bool { state.withLock { $0.asleep[op, default: 0] > 0 } }

    /// Lets the pause before the agent's next try pass, if it is in one.
    func skipRedial() {
        if isAsleep("uplink.redial") { clock.advance(by: .seconds(31)) }
    }
}
