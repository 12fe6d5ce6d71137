import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves events`: who changed what, why, and how it ended.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show who changed what, when, why, and how it ended.",
        discussion: """
            Reads the state folder, whether a coordinator runs or not; the newest 10000
            events are kept. --output json prints one document a line. Control characters
            are shown as JSON escapes them. Here -f follows; the cluster file is --file.

              jeeves events
              jeeves events -f
              jeeves events --since 1h --node worker-1
              jeeves events --subject stage --output json
            """)

    @Flag(name: .shortAndLong, help: "Go on with what happens, until Ctrl-C.")
    var follow = false

    @Option(
        help: .init("Not what is older, as 90s, 15m, 1h or 2d.", valueName: "age"),
        transform: Age.typed)
    var since: Age?

    @OptionGroup var filter: NodeFilter

    @Option(help: "Only this subject and what is below it: stage, step/haproxy, dns.")
    var subject: String?

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    @Option(help: "The cluster file (default: jeeves.yaml here).", completion: .file())
    var file: String?

    @Option(
        help: "The state folder (default: .jeeves beside the cluster file).",
        completion: .directory)
    var state: String?

    @OptionGroup var terminal: TerminalOptions

    func run() async throws {
        do {
            let world = World.live()
            let start = since.map { world.clock.now().addingTimeInterval(-$0.duration.seconds) }
            let project = try Working.project(file: file, state: state)
            try filter.remark(in: project, on: terminal)
            var reader = try EventReader(
                project, filter: EventFilter(since: start, node: filter.node, subject: subject),
                world: world)
            if output == .table { Terminal.write(EventLines.heading) }
            try write(reader.read(), now: world.clock.now())
            while follow { try write(await reader.follow(), now: world.clock.now()) }
        } catch { throw Ending.report(error) }
    }

    private func write(_ events: [Event], now: Date) throws {
        for event in events {
            Terminal.write(
                output == .json
                    ? try EventLines.json(event) : EventLines.line(event, now: now))
        }
    }
}

/// Which node's past a verb shows.
struct NodeFilter: ParsableArguments {
    @Option(
        help: "Only what this node's agent reports, or what is about it.",
        transform: NodeName.typed)
    var node: NodeName?

    /// Remarks that the cluster knows no node of that name: nothing is found then.
    func remark(in project: Project, on terminal: TerminalOptions) throws {
        guard let node else { return }
        let stranger = try Beside(project, world: World.live()).stranger(node)
        if let stranger { terminal.remark("note: \(stranger)") }
    }
}

/// Events as lines, in columns of a fixed width: who follows cannot know what is still to come.
enum EventLines {
    static var heading: String {
        columns(["AGE", "OUTCOME", "SUBJECT", "ACTOR", "CAUSE", "DETAIL"])
    }

    static func line(_ event: Event, now: Date) -> String {
        let age = Duration.seconds(max(0, now.timeIntervalSince(event.at)))
        return columns([
            age.ageText, event.outcome.rawValue, event.subject, event.actor, event.cause,
            event.detail,
        ])
    }

    static func json(_ event: Event) throws -> String {
        Printable.escape(String(decoding: try JSON.encode(event), as: UTF8.self))
    }

    private static func columns(_ cells: [String]) -> String {
        let padded = zip(cells.dropLast().map(Printable.escape), [8, 11, 22, 18, 24]).map {
            $0 + String(repeating: " ", count: max(0, $1 - $0.count))
        }
        return (padded + [Printable.escape(cells.last ?? "")]).joined(separator: "  ")
    }
}
