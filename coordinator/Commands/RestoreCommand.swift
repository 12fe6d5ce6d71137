import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves restore`: a folder to drive from, made of a backup.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a cluster file and a state folder of a backup.",
        discussion: """
            Checks all of it before it writes anything, and overwrites nothing: a folder
            that has a state already is refused. If a coordinator has driven since the
            backup was made, `jeeves up` says so, and the agents obey only after
            `jeeves epoch raise`.

              jeeves restore chat.backup
              jeeves restore chat.backup --into /srv/chat --passphrase-file chat.passphrase
            """)

    @Argument(help: .init("What `jeeves backup` wrote.", valueName: "file"), completion: .file())
    var file: String

    @Option(
        help: .init("The folder to make (default: the one you stand in).", valueName: "folder"),
        completion: .directory)
    var into: String?

    @Option(
        help: .init(
            "The state folder to make (default: .jeeves in that folder).", valueName: "folder"),
        completion: .directory)
    var state: String?

    @OptionGroup var passphrase: PassphraseOption

    @OptionGroup var terminal: TerminalOptions

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    func run() async throws {
        do {
            let restoration = try Restoration(Working.absolute(file), world: World.live())
            let report = try restoration.make(
                in: into.map(Working.absolute) ?? Working.folder,
                state: state.map(Working.absolute), passphrase: passphrase.read(isNew: false),
                by: Working.actor)
            try output.write(report, on: terminal, table: Self.text)
        } catch { throw Ending.report(error) }
    }

    static func text(_ report: Restoration.Report) -> String {
        """
        restored cluster \(report.cluster) as it was at \(report.at.formatted(.iso8601)): \
        \(report.files.count) files
        next: make `coordinator.addresses` in \(report.clusterFile) lead to this machine, then \
        `jeeves plan`
        """
    }
}
