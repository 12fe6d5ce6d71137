import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves plan`: what `up` would change.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what `jeeves up` would change; changes nothing.",
        discussion: """
            With --detailed-exitcode the exit status is 2 if something would change.
            `jeeves up --plan` does exactly what a plan says, or nothing.

              jeeves plan
              jeeves plan --output json --detailed-exitcode
              jeeves plan --out change.plan
              jeeves plan --replace worker-2

            With --refresh-only the cluster file does not count: it shows what is no longer
            as the last rollout left it, in every layer.

              jeeves plan --refresh-only --detailed-exitcode
            """)

    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    @OptionGroup var losses: ReplaceOption

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    @Option(
        help: .init("Also write the plan to a file, for `jeeves up --plan`.", valueName: "file"),
        completion: .file())
    var out: String?

    @Flag(help: "Show drift from what the last rollout reached, whatever the file says.")
    var refreshOnly = false

    @Flag(help: "Exit with 2 if something would change.")
    var detailedExitcode = false

    func validate() throws {
        if refreshOnly, out != nil || !losses.replace.isEmpty {
            throw ValidationError(
                "--refresh-only makes no plan for `jeeves up`: leave out --out and --replace.")
        }
    }

    func run() async throws {
        let reached: (rollout: Rollout, cluster: ClusterSpec)?
        let options: RolloutOptions
        do {
            options = RolloutOptions(replace: try losses.nodes(of: target))
            reached =
                refreshOnly
                ? try RolloutDesk(target.project(), world: World.live()).reached() : nil
        } catch { throw Ending.report(error) }
        let (since, terminal) = (reached?.rollout, target.terminal)
        let plan = try await Drive.run(
            target, rollout: options, resume: resumption, waits: place.waits,
            cluster: reached?.cluster
        ) { driver in
            if let since {
                for line in try driver.moved(since: since) { terminal.remark("note: \(line)") }
            }
            return try await driver.plan()
        }
        do {
            try output.write(plan, on: terminal) { PlanText(plan: $0, since: since?.id).text }
            if let out { try PlanFile(path: Working.absolute(out)).write(plan) }
        } catch { throw Ending.report(error) }
        if detailedExitcode, !plan.changes.isEmpty { throw ExitCode(2) }
    }

    var resumption: Resumption {
        let flags =
            Resumption.flag("--refresh-only", refreshOnly)
            + Resumption.flag("--detailed-exitcode", detailedExitcode)
        return Resumption(
            "jeeves plan", of: target,
            place.words + losses.words + Resumption.option("--out", out) + flags)
    }
}

/// A plan that a person keeps, to have exactly that applied.
struct PlanFile {
    let path: String

    /// Throws `conflict` if something else than a plan is there.
    func write(_ plan: Plan) throws {
        let files = World.live().files
        if try files.info(path) != nil, (try? read()) == nil {
            throw Failure(
                .conflict, "writing the plan: \(path) is there and is no plan",
                fix: "choose another name for --out")
        }
        try files.replace(
            path, with: JSON.encode(plan, pretty: true), mode: 0o600, op: "plan.file")
    }

    /// Throws `notFound`, or `invalid` if it is no plan.
    func read() throws -> Plan {
        guard let bytes = try World.live().files.readIfThere(path, bytesMax: 16 << 20) else {
            throw Failure(
                .notFound, "reading the plan \(path): it is not there",
                fix: "write one with `jeeves plan --out FILE`, or give the whole digest of one")
        }
        return try JSON.decode(Plan.self, from: bytes, what: path)
    }
}

/// What stands after `jeeves up --plan`: a digest, or a file.
enum PlanChoice: ExpressibleByArgument {
    case digest(Digest)
    case file(String)

    init?(argument: String) {
        self = Digest(rawValue: argument).map(Self.digest) ?? .file(argument)
    }

    /// Throws as ``PlanFile/read()`` does.
    func approved() throws -> Plan.Approved {
        switch self {
        case .digest(let digest): Plan.Approved(digest)
        case .file(let name): Plan.Approved(try PlanFile(path: Working.absolute(name)).read())
        }
    }
}
