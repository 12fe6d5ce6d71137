import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves rollout`: the runs of `jeeves up`, the one that runs now among them.
struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Show, stop, promote, retry or undo what `jeeves up` does.",
        discussion: """
            start, retry and undo drive themselves. All others work beside the coordinator
            that drives, or without one.

              jeeves rollout status
              jeeves rollout pause
              jeeves rollout undo
            """,
        subcommands: [
            Start.self, Status.self, History.self, Show.self, Watch.self, Pause.self,
            Resume.self, Promote.self, Abort.self, Retry.self, Undo.self,
        ])

    /// `jeeves rollout status`.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who drives, since when, and the last rollout's stages.",
            discussion: """
                  jeeves rollout status
                  jeeves rollout status --output json
                """)

        @OptionGroup var target: ProjectOptions
        @Option(name: .shortAndLong, help: "Output format.") var output = OutputFormat.table

        func run() async throws {
            do {
                let world = World.live()
                let status = try RolloutDesk(target.project(), world: world).status()
                try output.write(status, on: target.terminal) {
                    RolloutText.status($0, now: world.clock.now())
                }
            } catch { throw Ending.report(error) }
        }
    }

    /// `jeeves rollout history`.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the newest rollouts; 50 are kept.",
            discussion: """
                  jeeves rollout history
                  jeeves rollout history --count 50 --output json
                """)

        @OptionGroup var target: ProjectOptions
        @Option(help: "How many at most, from 1 to 50.") var count = 10
        @Option(name: .shortAndLong, help: "Output format.") var output = OutputFormat.table

        func validate() throws {
            guard (1...50).contains(count) else {
                throw ValidationError("--count is a number from 1 to 50.")
            }
        }

        func run() async throws {
            do {
                let world = World.live()
                let found = try RolloutDesk(target.project(), world: world).history(count)
                try output.write(found, on: target.terminal) {
                    RolloutText.history($0, now: world.clock.now())
                }
            } catch { throw Ending.report(error) }
        }
    }

    /// `jeeves rollout show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one rollout with its programs and its events.",
            discussion: """
                  jeeves rollout show
                  jeeves rollout show 0123456789abcdef --output json
                """)

        @OptionGroup var named: NamedRollout
        @Option(name: .shortAndLong, help: "Output format.") var output = OutputFormat.table

        func run() async throws {
            do {
                let now = World.live().clock.now()
                try output.write(named.desk().record(named.id), on: named.target.terminal) {
                    RolloutText.record($0, now: now)
                }
            } catch { throw Ending.report(error) }
        }
    }

    /// `jeeves rollout watch`.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow a rollout to its end, and exit as its `jeeves up` does.",
            discussion: """
                Ctrl-C ends the watching alone.

                  jeeves rollout watch
                  jeeves rollout watch 0123456789abcdef
                  jeeves rollout watch --output json
                """)

        @OptionGroup var named: NamedRollout
        @OptionGroup var format: LinesOption

        func run() async throws {
            let lines = format.lines(of: "jeeves rollout watch")
            do {
                let ended = try await named.follow(named.id, lines: lines)
                if lines == nil { Terminal.write("rollout \(ended.id): \(ended.state.rawValue)") }
                try named.desk().judge(ended)
                lines?.report(ended)
            } catch {
                let resume = Resumption("jeeves up", of: named.target)
                throw Ending.report(error, resume: resume.text, lines: lines)
            }
        }
    }
}

/// Telling the rollout that runs in another process what to do.
extension RolloutCommand {
    /// `jeeves rollout pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the rollout that runs rest before its next stage.",
            discussion: """
                The stage in flight is finished first. The process of `jeeves up` stays, and
                with it the place of the coordinator.

                  jeeves rollout pause
                """)

        @OptionGroup var named: NamedRollout

        func run() async throws {
            try named.tell(
                "rests before its next stage; `jeeves rollout resume` goes on"
            ) { try $0.pause(named.id, by: Working.actor) }
        }
    }

    /// `jeeves rollout resume`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused rollout go on.",
            discussion: """
                If the process of its `jeeves up` has ended, `jeeves up` goes on instead.

                  jeeves rollout resume
                """)

        @OptionGroup var named: NamedRollout

        func run() async throws {
            try named.tell("goes on") { try $0.resume(named.id, by: Working.actor) }
        }
    }

    /// `jeeves rollout promote`.
    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the rollout that runs go on from its canary.",
            discussion: """
                One that waits for a person (`rollout.promotion: manual`) goes on; a batch that
                is right is not watched any longer.

                  jeeves rollout promote
                """)

        @OptionGroup var named: NamedRollout

        func run() async throws {
            try named.tell("goes on") { try $0.promote(named.id, by: Working.actor) }
        }
    }

    /// `jeeves rollout abort`.
    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the rollout that runs, after the effect in flight.",
            discussion: """
                Waits for its end and says what is left half done. Nothing is undone:
                `jeeves up` goes on. May be repeated. Ctrl-C ends the waiting alone.

                  jeeves rollout abort
                """)

        @OptionGroup var named: NamedRollout

        func run() async throws {
            do {
                let desk = try named.desk()
                let rollout: RunID
                switch try desk.abort(named.id, by: Working.actor) {
                case .idle(let why): return Terminal.write("nothing to do: \(why)")
                case .told(let id): rollout = id
                }
                let ended = try await named.follow(rollout)
                guard ended.state == .aborted else {
                    return Terminal.write(
                        "rollout \(ended.id) ended before it could be aborted: "
                            + ended.state.rawValue)
                }
                do { try desk.judge(ended) } catch {
                    Terminal.write(Printable.lines("\(error)").joined(separator: "\n"))
                }
            } catch { throw Ending.report(error) }
        }
    }
}

/// The rollout that a verb is about.
struct NamedRollout: ParsableArguments {
    @OptionGroup var target: ProjectOptions

    @Argument(help: "The rollout's id (default: the last one).", transform: RunID.typed)
    var id: RunID?

    func desk() throws -> RolloutDesk { try RolloutDesk(target.project(), world: World.live()) }

    /// Shows a rollout to its end, or writes it as `lines`.
    func follow(_ id: RunID?, lines: RolloutLines? = nil) async throws -> Rollout {
        let progress: any ProgressWriter = lines ?? target.terminal.progress(World.live().clock)
        defer { progress.close() }
        let desk = try desk()
        return try await desk.follow(desk.find(id).id) { progress.note($0) }
    }

    func tell(_ done: String, _ order: (RolloutDesk) throws -> RolloutDesk.Answer) throws {
        do {
            switch try order(desk()) {
            case .told(let id): Terminal.write("rollout \(id) \(done)")
            case .idle(let why): Terminal.write("nothing to do: \(why)")
            }
        } catch { throw Ending.report(error) }
    }
}
