import FoundationEssentials
import Model

/// The two clocks: wall time for people and certificates, monotonic time for waiting.
public protocol Clocks: Sendable {
    /// Wall time; may jump.
    func now() -> Date
    /// Time since some fixed point; never jumps.
    func uptime() -> Duration
    /// Waits. Throws `CancellationError` if the task is cancelled meanwhile.
    func sleep(_ duration: Duration, op: Op) async throws
}

/// Where random bytes come from.
public protocol Chance: Sendable {
    func bytes(_ count: Int) -> [UInt8]
}

extension Chance {
    /// A number in 0..<1, evenly spread.
    public func fraction() -> Double {
        let bits = bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(bits >> 11) / Double(1 << 53)
    }

    /// Full jitter: evenly between zero and `window`.
    public func jitter(_ window: Duration) -> Duration { window * fraction() }

    public func runID() -> RunID { RunID(unchecked: bytes(8).hexadecimal) }
}

extension Clocks {
    /// Asks `done` again and again, `interval` apart, until it answers or `deadline` has passed.
    /// Throws `timeout` naming `waitingFor`, with `fix`; what `done` throws ends the wait.
    public func poll<Value: Sendable>(
        every interval: Duration, atMost deadline: Duration, waitingFor what: String,
        fix: String = "",
        op: Op,
        _ done: () async throws -> Value?
    ) async throws -> Value {
        let end = uptime() + deadline
        while true {
            if let value = try await done() { return value }
            guard uptime() + interval <= end else {
                throw Failure(
                    .timeout, "waiting for \(what): not there after \(deadline.shortText)", fix: fix
                )
            }
            try await sleep(interval, op: op)
        }
    }
}

extension Duration {
    /// How long work took, `12.3s` or `4m 05s`: for people.
    public var shortText: String {
        let tenths = Int((self / .milliseconds(100)).rounded())
        if tenths < 600 { return "\(tenths / 10).\(tenths % 10)s" }
        let seconds = tenths / 10
        let rest = seconds % 60
        if seconds < 3600 { return "\(seconds / 60)m \(rest < 10 ? "0" : "")\(rest)s" }
        return "\(seconds / 3600)h \((seconds % 3600) / 60)m"
    }

    /// How old something is, in at most two units: `45s`, `1m30s`, `17m`,
    /// `3h5m`, `2d4h`. For people, as kubectl writes it.
    public var ageText: String {
        let seconds = max(0, Int(components.seconds))
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        func two(_ large: String, _ small: Int, _ unit: String) -> String {
            small == 0 ? large : "\(large)\(small)\(unit)"
        }
        if minutes == 0 { return "\(seconds)s" }
        if minutes < 10 { return two("\(minutes)m", seconds % 60, "s") }
        if hours == 0 { return "\(minutes)m" }
        if hours < 10 { return two("\(hours)h", minutes % 60, "m") }
        if days == 0 { return "\(hours)h" }
        return days < 10 ? two("\(days)d", hours % 24, "h") : "\(days)d"
    }

    /// The largest whole unit, `62 days` or `1 minute`: for people.
    public var words: String {
        let seconds = Int(components.seconds)
        let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)]
        let (unit, size) = units.first { seconds >= $0.1 } ?? ("second", 1)
        let count = seconds / size
        return "\(count) \(unit)\(count == 1 ? "" : "s")"
    }

    /// Seconds with their fraction.
    public var seconds: Double { self / .seconds(1) }
}
