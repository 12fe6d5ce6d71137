import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves token`: for machines without an AWS role.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Let a machine enrol that has no AWS role.",
        discussion: """
            Machines of EC2 prove who they are by their role, and need none.

              jeeves token create worker-9
            """,
        subcommands: [Create.self])

    /// `jeeves token create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token with which one machine enrols once.",
            discussion: """
                The only copy is printed. Put it on the machine, readable by root alone,
                name the file as `tokenFile` in /etc/jeeves/agent.json, and start
                jeeves-agent.

                  jeeves token create worker-9
                  jeeves token create worker-9 --lifetime-minutes 10 > worker-9.token
                """)

        @OptionGroup var target: ProjectOptions

        @Argument(help: "Name of the node.", transform: NodeName.typed)
        var node: NodeName

        @Option(
            help: .init("Minutes until it is worthless, at most a day's.", valueName: "minutes"))
        var lifetimeMinutes = 60

        func validate() throws {
            guard (1...1440).contains(lifetimeMinutes) else {
                throw ValidationError("--lifetime-minutes is a number from 1 to 1440.")
            }
        }

        func run() async throws {
            do {
                let token = try Beside(target.project(), world: World.live()).makeToken(
                    for: node, lifetime: .seconds(lifetimeMinutes * 60), by: Working.actor)
                Terminal.write(token.reveal())
            } catch { throw Ending.report(error) }
        }
    }
}
