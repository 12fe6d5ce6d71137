import ArgumentParser
import Coordinator
import Glibc
import Model
import Outside
import UnixSignals

/// Runs something with an embedded coordinator: shows its progress, or writes it as `lines`, and
/// turns Ctrl-C into a clean stop that says how to resume.
enum Drive {
    /// What goes wrong is shown, unless the verb goes on without a coordinator: then `isQuiet`
    /// leaves it to be caught.
    static func run<Result: Sendable>(
        _ options: ProjectOptions, rollout: RolloutOptions = RolloutOptions(), resume: Resumption,
        waits: Bool = false, cluster: ClusterSpec? = nil, lines: RolloutLines? = nil,
        isQuiet: Bool = false,
        _ body: @Sendable @escaping (Driver) async throws -> Result
    ) async throws -> Result {
        do {
            let request = Driver.Request(
                project: try options.project(for: resume), environment: Working.environment,
                options: rollout, actor: Working.actor, verb: resume.verb, waits: waits,
                cluster: cluster)
            var world = World.live()
            let progress: any ProgressWriter = lines ?? options.terminal.progress(world.clock)
            defer { progress.close() }
            let children = Children()
            var processes = NotedProcesses(wrapped: world.processes, children: children)
            if options.terminal.verbose {
                processes.began = { progress.say("jeeves: running \($0)") }
            }
            world.processes = processes
            let log = options.terminal.log(to: progress)
            let work = Task { [world] in
                try await Driver.drive(
                    request, world: world, log: log, progress: { progress.note($0) }, body)
            }
            let interrupts = Interrupts.watch {
                progress.say("jeeves: stopping")
                work.cancel()
            } second: { [processes = world.processes] in
                progress.close()
                for command in await children.askToEnd(through: processes) {
                    Terminal.complain("jeeves: asked \(command) to end; the next run waits for it")
                }
                Terminal.complain("jeeves: interrupted at once; resume with: \(resume.text)")
                lines?.interruption(resume: resume.text)
            }
            defer { interrupts.cancel() }
            let result = await work.result
            // What is cut off fails in many ways; to the person who did it, all of them are one.
            if work.isCancelled, case .failure = result { throw CancellationError() }
            return try result.get()
        } catch {
            throw isQuiet ? error : Ending.report(error, resume: resume.text, lines: lines)
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
