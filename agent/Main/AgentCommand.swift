import Agent
import ArgumentParser
import Logging
import Model
import Outside

/// `jeeves-agent`: the daemon, and what a person on the node may ask it.
@main
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jeeves-agent",
        abstract: "Keeps this node as its Jeeves cluster wants it.",
        discussion: """
            cloud-init installs it and systemd runs it; a person only looks:

              jeeves-agent status
              jeeves-agent status --output json
              journalctl --unit=jeeves-agent
            """,
        version: Release.version,
        subcommands: [RunCommand.self, StatusCommand.self],
        defaultSubcommand: RunCommand.self)

    static func main() async {
        OneThread.use()
        await main(nil)
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the agent (what jeeves-agent.service does).",
        discussion: """
            Runs until it is stopped. It goes on without a coordinator, and dials again
            for ever.

              jeeves-agent run
              systemctl restart jeeves-agent
            """)

    @Option(help: "What first boot wrote about this node.", completion: .file())
    var settings = Settings.path

    @Option(help: "Folder that survives reboots.", completion: .directory)
    var state = "/var/lib/jeeves"

    func run() async throws {
        do {
            try await Daemon(settingsPath: settings, state: StateFolder(state)).run()
        } catch {
            throw Exit.report(error)
        }
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what this node is; needs no coordinator.",
        discussion: """
            It is what the daemon wrote last; if the daemon does not run, that is said
            first. A failed step is in the table; the exit status is 0 all the same, and
            1 only if the daemon wrote nothing since the boot.

              jeeves-agent status
              jeeves-agent status --output json
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: .shortAndLong, help: "Output format.")
    var output = Format.table

    func run() async throws {
        do {
            let report = try await NodeReport.read(World.live())
            switch output {
            case .json:
                let text = try JSON.encode(report, pretty: true)
                Terminal.write(String(decoding: text, as: UTF8.self))
            case .table: Terminal.write(report.table)
            }
        } catch {
            throw Exit.report(error)
        }
    }
}

/// Turns an error into one message on stderr and the exit status of its code.
enum Exit {
    static func report(_ error: any Error) -> ExitCode {
        let failure = error as? Failure ?? Failure(error, trying: "running")
        Terminal.complain("jeeves-agent: \(failure)")
        return ExitCode(failure.code.exitStatus)
    }
}
