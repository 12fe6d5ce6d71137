import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves support`: one archive with all that somebody needs who helps.
struct SupportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support",
        abstract: "Gather status, findings, events, plans and the nodes' logs into one archive.",
        discussion: """
            Asks through the coordinator that runs already, or through one that this
            starts; if none can be started, the archive has what the state folder holds.
            What is missing stands in its README.txt, with the reason. Secrets are taken
            out; look through it all the same before you hand it to somebody. It is
            readable by you alone, and nothing is ever overwritten.

              jeeves support
              jeeves support --out /tmp/chat.tar.gz --since 2h
              jeeves support --output json
            """)

    @OptionGroup var target: ProjectOptions

    @Option(
        help: .init("Where to write it (default: a name of its own, here).", valueName: "file"),
        completion: .file())
    var out: String?

    @Option(
        help: .init("No events that are older, as 15m, 1h or 2d (default: 1d).", valueName: "age"),
        transform: Age.typed)
    var since: Age?

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    func run() async throws {
        do {
            let world = World.live()
            let start = world.clock.now() - (since?.duration ?? .seconds(86_400)).seconds
            let bundle = try SupportBundle(
                target.project(), world: world, environment: Working.environment, since: start)
            let path = Working.absolute(out ?? "\(bundle.name).tar.gz")
            try bundle.requireFree(path)
            let made = try await gather(bundle, at: path, world)
            for line in made.omissions { Terminal.complain("left out: \(Printable.escape(line))") }
            try output.write(made, on: target.terminal, table: Self.sentence)
        } catch { throw Ending.report(error, resume: resumption.text) }
    }

    var resumption: Resumption {
        Resumption(
            "jeeves support", of: target,
            Resumption.option("--out", out) + Resumption.option("--since", since?.word))
    }

    static func sentence(_ made: SupportBundle.Made) -> String {
        let silent = made.silent.map(\.rawValue).joined(separator: ", ")
        return "wrote \(made.path): \(made.files.count) files, \(made.bytes) bytes"
            + (silent.isEmpty ? "" : "; these nodes did not answer: \(silent)")
    }

    private func gather(
        _ bundle: SupportBundle, at path: String, _ world: World
    ) async throws -> SupportBundle.Made {
        let project = try target.project()
        let beside = Beside(project, world: world)
        if try beside.isDriven() { return try await bundle.make(at: path, .beside(beside)) }
        let made: Result<SupportBundle.Made, any Error>
        do {
            // What goes wrong with the bundle itself is no reason to make it another time.
            made = try await Drive.run(target, resume: resumption, isQuiet: true) { driver in
                do { return .success(try await bundle.make(at: path, .driver(driver))) } catch {
                    return .failure(error)
                }
            }
        } catch let failure as Failure {
            Terminal.complain(
                Ending.text(failure) + "\n  going on with what the state folder holds")
            let nobody = Witness.nobody(failure, project, world: world)
            return try await bundle.make(at: path, nobody)
        }
        return try made.get()
    }
}
