import Glibc
import Model
import Subprocess
import Synchronization
import SystemPackage

/// Real children: each in a session of its own, with exactly the environment it is given, stopped
/// with everything it started when its deadline passes.
struct LiveProcesses: Processes {
    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        let child = try LiveChild(command, limits: limits, started: started, line: line)
        if limits.overstay == .left { return try await Self.unkilled(child) }
        return try await withThrowingTaskGroup(of: Finished?.self) { group in
            group.addTask { try await child.run() }
            group.addTask {
                try await Task.sleep(for: limits.deadline)
                return nil
            }
            // Cancelling a running child stops its group; the task group waits until it is gone.
            defer { group.cancelAll() }
            if let finished = try await group.next() ?? nil {
                // How it took being stopped says nothing about what it was asked to do.
                if !finished.succeeded { try Task.checkCancellation() }
                return finished
            }
            group.cancelAll()
            while (try? await group.next()) != nil {}
            try Task.checkCancellation()
            throw child.timeout
        }
    }

    /// Runs the child in a task that nobody cancels, for cancelling it would end in SIGKILL.
    private static func unkilled(_ child: LiveChild) async throws -> Finished {
        let work = Task {
            Task { await child.runToEnd() }
            if let end = try await child.end(within: child.limits.deadline) { return try end.get() }
            try child.askToEnd()
            guard try await child.end(within: child.limits.grace) != nil else {
                throw child.overstay
            }
            throw child.timeout
        }
        let finished = try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            // What cannot be signalled has ended.
            try? child.askToEnd()
        }
        if !finished.succeeded { try Task.checkCancellation() }
        return finished
    }

    func isAlive(_ child: ChildID) -> Bool {
        guard let now = ProcessTable.look(at: child.pid) else { return false }
        return now.startTicks == child.startTicks && !now.isZombie
    }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        guard isAlive(child) else { return }
        try Self.signal(child.pid)
    }

    fileprivate static func signal(_ pid: Int32) throws {
        guard kill(pid, SIGTERM) == 0 || errno == ESRCH else {
            throw systemFailure("stopping the process \(pid)")
        }
    }
}

/// One child from its start to its end.
private final class LiveChild: Sendable {
    private let command: Command
    private let path: String
    let limits: Limits
    private struct Running {
        /// Once it runs, until it is collected: from then on its number may be another's.
        var pid: Int32?
        /// Perhaps before it ran.
        var isAskedToEnd = false
    }

    private let running = Mutex(Running())
    private let outcome = Mutex<Result<Finished, any Error>?>(nil)
    private let started: @Sendable (ChildID) async throws -> Void
    private let line: @Sendable (String) async -> Void
    private let output: Capture
    private let errors: Capture

    /// Throws `notFound` if the program is not there.
    init(
        _ command: Command, limits: Limits,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) throws {
        self.command = command
        path = try command.executablePath()
        self.limits = limits
        self.started = started
        self.line = line
        output = Capture(bytesMax: limits.outputBytesMax)
        errors = Capture(bytesMax: limits.outputBytesMax)
    }

    func run() async throws -> Finished {
        defer { running.withLock { $0.pid = nil } }
        do {
            let status =
                if let input = command.input {
                    try await run(input: .string(input.reveal()))
                } else {
                    try await run(input: .none)
                }
            return finished(status)
        } catch let error as SubprocessError {
            let isMissing = error.code == .executableNotFound
            throw Failure(
                isMissing ? .notFound : .failed, "running \(command): \(error)",
                fix: isMissing ? "install \(command.program)" : "")
        }
    }

    var timeout: Failure {
        Failure(
            .timeout,
            "running \(command): stopped after \(limits.deadline.shortText)\(lastWords)")
    }

    /// It was asked to end, and did not within the grace.
    var overstay: Failure {
        let number = running.withLock { $0.pid }.map { "pid \($0)" } ?? "it"
        return Failure(
            .timeout,
            "running \(command): asked to end after \(limits.deadline.shortText), and \(number) "
                + "still runs \(limits.grace.shortText) later\(lastWords)",
            fix: "it is never killed, so that it leaves nothing half done; run the same command "
                + "again, which waits for it")
    }

    /// Runs for somebody who may stop waiting for the end.
    func runToEnd() async {
        let result: Result<Finished, any Error>
        do { result = .success(try await run()) } catch { result = .failure(error) }
        outcome.withLock { $0 = result }
    }

    /// How ``runToEnd()`` ended; nil if it has not within `time`.
    func end(within time: Duration) async throws -> Result<Finished, any Error>? {
        let deadline = ContinuousClock.now + time
        while true {
            if let found = outcome.withLock({ $0 }) { return found }
            guard ContinuousClock.now < deadline else { return nil }
            try await Task.sleep(for: Self.lookInterval)
        }
    }

    private var lastWords: String {
        let said = errors.text.isEmpty ? output.text : errors.text
        return said.split(whereSeparator: \.isNewline).last.map {
            ", last said: \($0.prefix(400))"
        } ?? ""
    }

    /// Does so as soon as it runs, if it does not run yet.
    func askToEnd() throws {
        let pid = running.withLock { running in
            running.isAskedToEnd = true
            return running.pid
        }
        if let pid { try LiveProcesses.signal(pid) }
    }

    /// Notes the child and tells who started it. What goes wrong then stops a child that may be
    /// killed; the other is finished first, and the trouble comes out after its end.
    private func begin(_ found: Int32) async throws -> (any Error)? {
        let isAskedToEnd = running.withLock { running in
            running.pid = found
            return running.isAskedToEnd
        }
        if isAskedToEnd { try LiveProcesses.signal(found) }
        guard let entry = ProcessTable.look(at: found) else { return nil }
        do {
            try await started(ChildID(pid: found, startTicks: entry.startTicks))
        } catch {
            guard limits.overstay == .left else { throw error }
            return error
        }
        return nil
    }

    private func run(input: some InputProtocol) async throws -> TerminationStatus {
        if let path = command.outputFile { return try await run(input: input, printingTo: path) }
        let group = ProcessGroup()
        var endedByItself = false
        // A child that obeys SIGTERM may leave children of its own that do not.
        defer { if !endedByItself && limits.overstay == .killed { group.kill() } }
        let result = try await Subprocess.run(
            configuration, input: input, output: .sequence, error: .sequence
        ) { [self] execution in
            let pid = execution.processIdentifier.value
            group.found(pid)
            let trouble = try await begin(pid)
            let (standardOutput, standardError) = (
                execution.standardOutput, execution.standardError
            )
            try await withThrowingTaskGroup(of: Void.self) { readers in
                readers.addTask { [self] in try await read(standardOutput, line) }
                readers.addTask { [self] in
                    for try await buffer in standardError {
                        _ = errors.append(buffer.withUnsafeBytes { Array($0) })
                    }
                }
                try await readers.waitForAll()
            }
            if let trouble { throw trouble }
        }
        endedByItself = !Task.isCancelled
        return result.terminationStatus
    }

    static let lookInterval = Duration.milliseconds(50)

    private func run(input: some InputProtocol, printingTo path: String) async throws
        -> TerminationStatus
    {
        let (output, errors) = (self.output, self.errors)
        let files = (
            out: try OutputFile(path, capture: output),
            err: try OutputFile("\(path).errors", capture: errors)
        )
        let group = ProcessGroup()
        var endedByItself = false
        defer { if !endedByItself && limits.overstay == .killed { group.kill() } }
        let result = try await Subprocess.run(
            configuration, input: input,
            output: .fileDescriptor(files.out.writing, closeAfterSpawningProcess: true),
            error: .fileDescriptor(files.err.writing, closeAfterSpawningProcess: true)
        ) { [self] execution in
            let pid = execution.processIdentifier.value
            group.found(pid)
            var trouble = try await begin(pid)
            var hasEnded = false
            while !hasEnded {
                try await Task.sleep(for: Self.lookInterval)
                // Looked at before the files: what it said last is then in them.
                hasEnded = ProcessTable.look(at: pid).map(\.isZombie) ?? true
                do {
                    for text in try files.out.grown() { await line(text) }
                    _ = try files.err.grown()
                } catch {
                    guard limits.overstay == .left else { throw error }
                    trouble = error
                }
            }
            if let rest = output.rest { await line(rest) }
            if let trouble { throw trouble }
        }
        endedByItself = !Task.isCancelled
        return result.terminationStatus
    }

    private func read(
        _ sequence: SubprocessOutputSequence, _ line: @Sendable (String) async -> Void
    ) async throws {
        for try await buffer in sequence {
            for text in output.append(buffer.withUnsafeBytes { Array($0) }) { await line(text) }
        }
        if let rest = output.rest { await line(rest) }
    }

    private var configuration: Subprocess.Configuration {
        var environment = command.environment
        for (name, secret) in command.secrets { environment[name] = secret.reveal() }
        let pairs = environment.map {
            (Subprocess.Environment.Key(stringLiteral: $0.key), $0.value)
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: limits.grace)
        ]
        return Subprocess.Configuration(
            executable: .path(FilePath(path)), arguments: Arguments(command.arguments),
            environment: .custom(Dictionary(uniqueKeysWithValues: pairs)),
            workingDirectory: command.directory.map { FilePath($0) }, platformOptions: options)
    }

    private func finished(_ status: TerminationStatus) -> Finished {
        let ending: Finished.Ending =
            switch status {
            case .exited(let code): .exited(code)
            case .signaled(let signal): .signalled(signal)
            }
        return Finished(ending: ending, output: output.text, errors: errors.text)
    }
}
