import ArgumentParser
import Coordinator
import Model
import Outside

/// The verbs of `jeeves rollout` that drive.
extension RolloutCommand {
    /// `jeeves rollout start`.
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The same as `jeeves up`.",
            discussion: """
                  jeeves rollout start
                  jeeves rollout start --plan change.plan
                  jeeves rollout start --output json
                """)

        @OptionGroup var options: UpOptions

        func run() async throws {
            try await options.drive(resume: resumption) { try await $0.up() }
        }

        var resumption: Resumption { options.resumption(of: "jeeves up") }
    }

    /// `jeeves rollout retry`.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "As `jeeves up`, also with what failed before or was undone.",
            discussion: """
                On a cluster that has served, content that failed is remembered and refused by
                `jeeves up` (exit status 7) until it is changed, or cleared by this.
                `jeeves rollout status` lists it.

                  jeeves rollout retry
                """)

        @OptionGroup var options: UpOptions

        func run() async throws {
            try await options.drive(resume: resumption) { try await $0.retry() }
        }

        var resumption: Resumption { options.resumption(of: "jeeves rollout retry") }
    }

    /// `jeeves rollout undo`.
    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lead the cluster back to where an earlier rollout ended.",
            discussion: """
                A rollout of its own: to the rollout that is named, or to the newest one that
                was `done` with another cluster file than the last rollout's, unless that file
                was undone. After an undo that was cut off it goes on with that. Says first
                what changes and what does not come back, then asks, unless --yes is given;
                exit status 7 if that was not confirmed. The cluster file is not touched:
                `jeeves up` refuses what was undone until it is changed, or until
                `jeeves rollout retry`.

                  jeeves rollout undo
                  jeeves rollout undo 0123456789abcdef --yes
                  jeeves rollout undo --yes --output json
                """)

        @OptionGroup var target: ProjectOptions
        @OptionGroup var place: WaitOption
        @OptionGroup var format: LinesOption

        @Argument(
            help: """
                The id of the rollout to go back to, which has to be `done` (default: the newest \
                that was `done` with another cluster file).
                """, transform: RunID.typed)
        var id: RunID?

        @Flag(help: "Do not ask.") var yes = false

        func run() async throws {
            let lines = format.lines(of: resumption.verb)
            let way: Coordinator.Undo
            do {
                way = try RolloutDesk(target.project(), world: World.live()).undo(to: id)
            } catch {
                throw Ending.report(error, lines: lines)
            }
            let report = try await Drive.run(
                target, resume: resumption, waits: place.waits, cluster: way.cluster, lines: lines
            ) { [yes] driver in
                let plan = try await driver.plan()
                Terminal.complain(try Self.text(way, plan, driver.moved(since: way.checkpoint)))
                if !yes {
                    let id = way.undone.id
                    try Terminal.require(
                        "undo", "This undoes rollout \(id).", trying: "undoing rollout \(id)")
                }
                return try await driver.undo(way)
            }
            Summary.write(report, as: lines, on: target.terminal)
            target.terminal.remark(
                "The cluster file still says what was undone: change it before `jeeves up`.")
        }

        var resumption: Resumption {
            Resumption(
                "jeeves rollout undo", of: target, place.words + (id.map { [$0.rawValue] } ?? []))
        }

        private static func text(
            _ way: Coordinator.Undo, _ plan: Plan, _ moved: [String]
        ) throws -> String {
            func block(_ title: String, _ lines: [String]) -> [String] {
                lines.isEmpty ? [] : ["", title] + lines.map { "  \(Printable.escape($0))" }
            }
            let changes = plan.stages.flatMap { stage in
                stage.changes.map {
                    "\(stage.stage.rawValue): \($0.action.rawValue) \($0.subject) \($0.words)"
                }
            }
            return
                (["Back from rollout \(way.undone.id) to where \(way.checkpoint.id) ended."]
                + block("What is wanted, now -> then:", try way.differences())
                + block("What will be done:", changes.isEmpty ? ["nothing"] : changes)
                + block("What does not come back:", way.losses() + moved)
                + [""]).joined(separator: "\n")
        }
    }
}
