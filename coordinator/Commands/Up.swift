import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves up`: the install recipe.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the cluster what the cluster file says; run it again to resume or change.",
        discussion: """
            Safe to repeat and to interrupt at any time. Exit status 7 means that a person
            has to decide: a controller would be lost, a DNS record holds another value,
            or this has failed before (`jeeves rollout retry`). 6 means that another
            coordinator drives, 5 that a deadline passed: run it again to go on. 8 means
            that --plan says something else than would be done now. 3 means that the chat
            is not as a browser needs it.

              jeeves up
              jeeves up --wait
              jeeves up --take-dns
              jeeves up --replace worker-2
              jeeves up --move-state
              jeeves up --plan change.plan
              jeeves up --output json
            """)

    @OptionGroup var options: UpOptions

    func run() async throws {
        try await options.drive(resume: resumption) { try await $0.up() }
    }

    var resumption: Resumption { options.resumption(of: "jeeves up") }
}

/// What every verb that walks forward to the cluster file takes.
struct UpOptions: ParsableArguments {
    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    @OptionGroup var losses: ReplaceOption

    @Flag(help: "Overwrite an existing DNS record that holds another value.")
    var takeDNS = false

    @Flag(help: "Move Terraform's state to where the cluster file wants it.")
    var moveState = false

    @Option(
        help: .init(
            "Do exactly what this plan says, or nothing: a file of `jeeves plan --out`, or the "
                + "digest that a plan ends with. A plan with --replace needs the same --replace.",
            valueName: "file or digest"),
        completion: .file())
    var plan: PlanChoice?

    @OptionGroup var format: LinesOption

    func drive(
        resume: Resumption, _ body: @Sendable @escaping (Driver) async throws -> UpReport
    ) async throws {
        let lines = format.lines(of: resume.verb)
        let options: RolloutOptions
        do {
            options = try RolloutOptions(
                replace: losses.nodes(of: target), takeDNS: takeDNS, moveState: moveState,
                approved: plan?.approved())
        } catch { throw Ending.report(error, lines: lines) }
        let report = try await Drive.run(
            target, rollout: options, resume: resume, waits: place.waits, lines: lines, body)
        Summary.write(report, as: lines, on: target.terminal)
    }

    /// Without --plan: what is half done is not what was planned any more.
    func resumption(of verb: String) -> Resumption {
        let flags =
            Resumption.flag("--take-dns", takeDNS) + Resumption.flag("--move-state", moveState)
        return Resumption(verb, of: target, place.words + losses.words + flags)
    }
}

/// Nodes that a person gives up as they are.
struct ReplaceOption: ParsableArguments {
    @Option(
        help: .init(
            "Make this worker, or one of several controllers, anew, or let it go although it is "
                + "down; allow a controller to be deleted, or the only one to be replaced.",
            valueName: "node"), transform: NodeName.typed)
    var replace: [NodeName] = []

    /// To type it again: a node that was made anew since is left as it is.
    var words: [String] { replace.flatMap { ["--replace", $0.rawValue] } }

    /// Throws `notFound` if one of them is no node of the cluster: it would be passed over.
    func nodes(of target: ProjectOptions) throws -> Set<NodeName> {
        let beside = Beside(try target.project(), world: World.live())
        for node in replace { try beside.require(node, trying: "replacing \(node)") }
        return Set(replace)
    }
}

/// How a verb that drives says what happens.
struct LinesOption: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "How to say what happens: for a person, or as a JSON document a line.")
    var output = OutputFormat.table

    /// Nil for a person.
    func lines(of verb: String) -> RolloutLines? {
        output == .json ? RolloutLines.begin(verb, World.live().clock) : nil
    }
}

/// What a finished rollout prints.
enum Summary {
    static func write(
        _ report: UpReport, as lines: RolloutLines?, on terminal: TerminalOptions
    ) {
        if let lines { lines.report(report) } else { terminal.write(table: render(report)) }
    }

    static func render(_ report: UpReport) -> String {
        var rows = [["STAGE", "RESULT", "TOOK", "PROGRAMS", "SUMMARY"]]
        var (all, programs) = (0.0, 0.0)
        for entry in report.rollout.stages {
            let took = entry.endedAt.map { $0.timeIntervalSince(entry.startedAt) } ?? 0
            all += took
            programs += entry.childSeconds
            rows.append([
                entry.stage.rawValue, entry.state.rawValue, Duration.seconds(took).shortText,
                Duration.seconds(entry.childSeconds).shortText, entry.summary,
            ])
        }
        rows.append([
            "total", report.rollout.state.rawValue, Duration.seconds(all).shortText,
            Duration.seconds(programs).shortText,
            "without programs \(Duration.seconds(all - programs).shortText)",
        ])
        var lines = [Terminal.table(rows), ""]
        lines.append("URL          https://\(report.domain)")
        if let gate = report.gate {
            lines.append("certificate  \(Printable.escape(gate.certificate))")
        }
        return lines.joined(separator: "\n")
    }
}
