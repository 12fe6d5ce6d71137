import Foundation
import Glibc
import Model
import Outside

/// Starts programs of this machine: the one place of the lab that does.
///
/// The product's own `Processes` never leaves a child behind; a lab is made of such children.
enum Spawn {
    /// Where a child's standard streams go; paths, so that no pipe can fill up.
    struct Streams {
        var input = "/dev/null"
        /// Nil means ours.
        var output: String?
        var errors: String?
    }

    /// Starts `program`, an absolute path. A `detached` child has a session of its own and outlives
    /// us; any other dies with our terminal's Ctrl-C. Throws `failed` with errno's text.
    static func start(
        _ program: String, _ arguments: [String], environment: [String: String],
        directory: String? = nil, streams: Streams, detached: Bool
    ) throws -> ChildID {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let append = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 0, streams.input, O_RDONLY, 0)
        for (number, path) in [(Int32(1), streams.output), (2, streams.errors)] {
            if let path { posix_spawn_file_actions_addopen(&actions, number, path, append, 0o644) }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Threads of ours block and ignore signals that a child must hear.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let signals = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, signals | (detached ? setSession : 0))

        // env(1) changes the folder and becomes the program: the pid stays.
        let moved = directory.map { ["/usr/bin/env", "--chdir=\($0)"] } ?? []
        let whole = moved + [program] + arguments
        var argv = whole.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, whole[0], &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw Failure(.failed, "starting \(program): \(String(cString: strerror(code)))")
        }
        return ChildID(pid: pid, startTicks: startTicks(of: pid) ?? 0)
    }

    /// `POSIX_SPAWN_SETSID` of spawn.h, which Swift does not see (a GNU extension).
    private static let setSession: Int16 = 0x80

    /// Ends that very process at once; does nothing if it is gone, whoever has its number now.
    static func kill(_ child: ChildID) { if isAlive(child) { Glibc.kill(child.pid, SIGKILL) } }

    /// Waits for a child of ours on a thread of its own. A child that runs longer than `deadline`
    /// is killed; nil is the answer then.
    static func wait(for child: ChildID, deadline: Duration) async -> Finished.Ending? {
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now() + deadline.seconds)
        timer.setEventHandler { kill(child) }
        timer.resume()
        let begun = ContinuousClock.now
        let ending = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(child.pid, &status, 0) < 0 && errno == EINTR {}
                let signal = status & 0x7f
                let ending: Finished.Ending =
                    signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
                continuation.resume(returning: ending)
            }
        }
        timer.cancel()
        let late = ending == .signalled(SIGKILL) && begun.duration(to: .now) >= deadline
        return late ? nil : ending
    }

    /// Whether that very process still runs.
    static func isAlive(_ child: ChildID) -> Bool { startTicks(of: child.pid) == child.startTicks }

    /// Becomes `program`, keeping terminal, folder and standard streams. Throws `notFound` if there
    /// is none, `failed` with errno's text.
    static func become(
        _ program: String, _ arguments: [String], environment: [String: String]
    ) throws -> Never {
        guard let path = Host.find(program) else {
            throw Failure(.notFound, "running \(program): this machine has no such program")
        }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        signal(SIGPIPE, SIG_DFL)
        execve(path, &argv, &envp)
        throw Failure(.failed, "running \(path): \(errnoText())")
    }

    /// When the process began, in clock ticks since boot (proc(5), field 22 of `stat`); nil if it
    /// is gone or only waits to be reaped.
    static func startTicks(of pid: Int32) -> UInt64? {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }
}

/// The text of the last system error.
func errnoText() -> String { String(cString: strerror(errno)) }
