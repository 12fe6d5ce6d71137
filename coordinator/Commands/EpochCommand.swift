import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves epoch`: which copy of the state folder the agents obey.
struct EpochCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "epoch",
        abstract: "Let a restored state folder drive again.",
        discussion: """
            Every start of a coordinator has a higher epoch than all before it, and agents
            obey none that is lower than one they have seen.

              jeeves epoch raise
            """,
        subcommands: [Raise.self])

    /// `jeeves epoch raise`.
    struct Raise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Raise the epoch of this state folder above all that the agents have seen.",
            discussion: """
                For a state folder from a backup, whose newer one is lost: `jeeves up` says
                so when the agents obey another one. It waits up to 45 seconds for the agents
                and learns the epoch from them. Asks first, unless --yes is given; exit status
                7 if that was not confirmed. Nothing on a node changes before the next
                `jeeves up`.

                  jeeves epoch raise
                  jeeves epoch raise --yes
                  jeeves epoch raise --above 12 --yes
                """)

        @OptionGroup var target: ProjectOptions

        @OptionGroup var place: WaitOption

        @Option(
            help: .init(
                "Also raise it above this epoch, for agents that do not come.", valueName: "epoch"))
        var above: UInt64 = 0

        @Option(name: .shortAndLong, help: "Output format.")
        var output = OutputFormat.table

        @Flag(help: "Do not ask.")
        var yes = false

        func validate() throws {
            guard above < Fence.countMax else {
                throw ValidationError("--above is a number below \(Fence.countMax).")
            }
        }

        func run() async throws {
            do {
                let (project, files) = (try target.project(), World.live().files)
                let spec = try project.spec(files)
                try project.requireState(files)
                let question =
                    "The agents of \(spec.cluster) will obey this state folder from then on, and "
                    + "no other one. Go on only if the newer one is lost, and runs nowhere."
                if !yes {
                    try Terminal.require(
                        spec.cluster.rawValue, question, trying: "raising the epoch")
                }
            } catch { throw Ending.report(error) }
            let raise = try await Drive.run(
                target, resume: resumption, waits: place.waits
            ) { [above] in try await $0.raiseEpoch(above: above) }
            do {
                try output.write(raise, on: target.terminal, table: Self.text)
            } catch { throw Ending.report(error) }
        }

        var resumption: Resumption {
            let least = above == 0 ? [] : ["--above", "\(above)"]
            return Resumption("jeeves epoch raise", of: target, place.words + least)
        }

        static func text(_ raise: EpochRaise) -> String {
            var lines: [String] = []
            if !raise.nodes.isEmpty {
                lines.append(
                    Terminal.table(
                        [["NODE", "EPOCH", "GENERATION", "SPEC"]]
                            + raise.nodes.map {
                                [
                                    $0.name.rawValue, "\($0.epoch)", "\($0.generation)",
                                    word($0.spec),
                                ]
                            }))
            }
            if !raise.silent.isEmpty {
                let names = raise.silent.map(\.rawValue).joined(separator: ", ")
                lines.append(
                    "not heard: \(names); if they refuse later, type `jeeves epoch raise` again")
            }
            lines.append(outcome(of: raise))
            return lines.joined(separator: "\n")
        }

        private static func word(_ spec: EpochRaise.Knowledge) -> String {
            switch spec {
            case .known: "known"
            case .newer: "newer than this state"
            case .missing: "not in this state"
            }
        }

        private static func outcome(of raise: EpochRaise) -> String {
            if raise.to > raise.from {
                return "raised the epoch from \(raise.from) to \(raise.to); next: `jeeves plan`"
            }
            return raise.isChange
                ? "this state folder may drive again, after epoch \(raise.to); next: `jeeves plan`"
                : "nothing to do: no agent has seen a later epoch than \(raise.from)"
        }
    }
}
