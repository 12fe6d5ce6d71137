import Model

/// A child program to run: an argument vector, never a shell string.
public struct Command: Sendable, Hashable {
    /// Absolute path, or a name that is looked up in the clean `PATH` of ``Environment/base``.
    public var program: String
    public var arguments: [String]
    /// The whole environment of the child: nothing is inherited.
    public var environment: [String: String]
    /// Secrets of the environment, apart so that they never print.
    public var secrets: [String: Secret]
    public var directory: String?
    /// Given on standard input, then closed.
    public var input: Secret?
    /// File that takes what it prints, with `.errors` beside it for stderr; nil means pipes. With
    /// files, which only their owner can read, a child can go on after we were killed.
    public var outputFile: String?
    /// How it prints where one of its arguments must not: a ticket that stands in argv because its
    /// program takes it nowhere else.
    public var shownAs: String?

    public init(
        _ program: String, _ arguments: [String],
        environment: [String: String] = Command.environmentBase, secrets: [String: Secret] = [:],
        directory: String? = nil, input: Secret? = nil, shownAs: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.secrets = secrets
        self.directory = directory
        self.input = input
        self.shownAs = shownAs
    }

    /// What every child gets: a fixed `PATH` and the C locale, so that output can be parsed.
    public static let environmentBase = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin",
        "LC_ALL": "C.UTF-8",
    ]
}

extension Command: CustomStringConvertible {
    /// As a person would type it, for errors, logs and the description of its unit.
    public var description: String {
        shownAs ?? ([program] + arguments).joined(separator: " ")
    }
}

/// How far a child may go.
public struct Limits: Sendable, Hashable {
    /// What becomes of a child that is still there `grace` after its deadline.
    public enum Overstay: Sendable, Hashable {
        /// Its whole process group got SIGTERM, and gets SIGKILL.
        case killed
        /// It alone got SIGTERM, because a Terraform's providers would die of theirs in the middle
        /// of a request; it is left to end by itself, because a Helm that is killed leaves its
        /// release pending for ever. Cancelling the caller asks it to end, and waits for that.
        case left
    }

    public var deadline: Duration
    public var grace: Duration
    public var overstay: Overstay
    /// Bytes kept of each of stdout and stderr: the first half and the last half of this many.
    public var outputBytesMax: Int

    public init(
        deadline: Duration, grace: Duration = .seconds(10), outputBytesMax: Int = 1 << 20,
        overstay: Overstay = .killed
    ) {
        self.deadline = deadline
        self.grace = grace
        self.outputBytesMax = outputBytesMax
        self.overstay = overstay
    }
}

/// How a child ended: a fact, not a verdict.
public struct Finished: Sendable, Hashable {
    public enum Ending: Sendable, Hashable { case exited(Int32), signalled(Int32) }

    public var ending: Ending
    public var output: String
    public var errors: String

    public init(ending: Ending, output: String = "", errors: String = "") {
        self.ending = ending
        self.output = output
        self.errors = errors
    }

    public var succeeded: Bool { ending == .exited(0) }

    /// `exit 1: last line of stderr (or stdout)`, for an error.
    public var sentence: String {
        let how =
            switch ending {
            case .exited(let code): "exit \(code)"
            case .signalled(let signal): "killed by signal \(signal)"
            }
        let text = errors.isEmpty ? output : errors
        guard let last = text.split(whereSeparator: \.isNewline).last(where: { !$0.isEmpty }) else {
            return how
        }
        return "\(how): \(last.prefix(400))"
    }
}

/// A child that has started: enough to find the same process again after a crash of ours.
public struct ChildID: Codable, Hashable, Sendable {
    public let pid: Int32
    /// Start time in clock ticks since boot (proc(5), field 22 of `stat`): tells a reused pid.
    public let startTicks: UInt64

    public init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }
}

/// Runs children.
public protocol Processes: Sendable {
    /// Runs `command` to its end. `started` is called once with the child's identity before its
    /// output is read; `line` with each line of stdout as it comes.
    ///
    /// Throws `notFound` if the program is not there, `timeout` if the deadline passed (what became
    /// of it then is said by ``Limits/Overstay``), `failed` if it could not be started. A non-zero
    /// exit is a value.
    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished

    /// Whether that very child still runs.
    func isAlive(_ child: ChildID) -> Bool

    /// Asks that child alone to end (SIGTERM), not what it started; nothing happens if it is gone.
    func askToEnd(_ child: ChildID, op: Op) async throws
}

extension Processes {
    /// Runs `command` to its end and returns what it printed.
    public func run(_ command: Command, limits: Limits, op: Op) async throws -> Finished {
        try await run(command, limits: limits, op: op, started: { _ in }, line: { _ in })
    }

    /// Runs `command` and returns its stdout. Throws `failed` with the last line of its stderr if
    /// it does not exit 0.
    public func output(of command: Command, limits: Limits, op: Op) async throws -> String {
        let finished = try await run(command, limits: limits, op: op)
        guard finished.succeeded else {
            throw Failure(.failed, "running \(command): \(finished.sentence)")
        }
        return finished.output
    }
}
