import ArgumentParser
import Coordinator
import Glibc
import Logging
import Model
import Outside
import UnixSignals

/// Runs something with an embedded coordinator: prints its progress, and turns Ctrl-C into a clean
/// stop that says how to resume.
enum Drive {
    static func run<Result: Sendable>(
        _ options: ProjectOptions, rollout: RolloutOptions = RolloutOptions(), resume: String,
        waits: Bool = false, cluster: ClusterSpec? = nil,
        _ body: @Sendable @escaping (Driver) async throws -> Result
    ) async throws -> Result {
        do {
            let request = Driver.Request(
                project: try options.project(), environment: Working.environment,
                options: rollout, actor: Working.actor, verb: resume, waits: waits,
                cluster: cluster)
            var world = World.live()
            let children = Children()
            world.processes = NotedProcesses(wrapped: world.processes, children: children)
            var log = Logger(label: "jeeves", factory: { JournalLog.handler(label: $0) })
            // The progress lines tell what happens; the log is for what goes wrong.
            log.logLevel = .warning
            let work = Task { [log, world] in
                try await Driver.drive(
                    request, world: world, log: log, progress: ProgressLines.show, body)
            }
            let interrupts = Interrupts.watch {
                Terminal.complain("jeeves: stopping")
                work.cancel()
            } second: { [processes = world.processes] in
                for command in await children.askToEnd(through: processes) {
                    Terminal.complain("jeeves: asked \(command) to end; the next run waits for it")
                }
                Terminal.complain("jeeves: interrupted at once; resume with: \(resume)")
            }
            defer { interrupts.cancel() }
            let result = await work.result
            // What is cut off fails in many ways; to the person who did it, all of them are one.
            if work.isCancelled, case .failure = result { throw CancellationError() }
            return try result.get()
        } catch {
            throw Ending.report(error, resume: resume)
        }
    }
}

/// Ctrl-C and SIGTERM: the first is passed on, the second ends the process at once. Children of
/// effects are in sessions of their own and print to files, so they can end by themselves.
enum Interrupts {
    static func watch(
        _ first: @escaping @Sendable () -> Void, second: @escaping @Sendable () async -> Void
    ) -> Task<Void, Never> {
        Task {
            var count = 0
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                count += 1
                guard count > 1 else {
                    first()
                    continue
                }
                await second()
                _exit(Ending.interrupted.rawValue)
            }
        }
    }
}

/// A rollout's progress, one line a stage and a line a node.
enum ProgressLines {
    static func show(_ progress: RolloutProgress) {
        switch progress {
        case .started(let stage, _): Terminal.complain("==> \(stage.rawValue)")
        case .line(let text): Terminal.complain("    \(text)")
        case .doing(let activity):
            for line in activity.lines { Terminal.complain("    \(line)") }
        case .outline, .closed: break
        case .ended(let entry): Terminal.complain("    \(sentence(entry))")
        }
    }

    static func sentence(_ entry: Rollout.Progress) -> String {
        let took = entry.endedAt.map { end in
            Duration.seconds(end.timeIntervalSince(entry.startedAt)).shortText
        }
        let children = Duration.seconds(entry.childSeconds).shortText
        return "\(entry.state.rawValue) after \(took ?? "?") (programs \(children)): "
            + (entry.failure?.message ?? entry.summary)
    }
}
