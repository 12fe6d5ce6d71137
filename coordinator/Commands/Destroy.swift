import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves destroy`: the install recipe backwards.
struct Destroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take everything away: the DNS record if it is still ours, then all machines.",
        discussion: """
            Asks first, unless --yes is given; exit status 7 if the answer was no. The
            state folder stays; remove it by hand.

              jeeves destroy
              jeeves destroy --yes
              jeeves destroy --yes --output json
            """)

    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    @OptionGroup var format: LinesOption

    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let lines = format.lines(of: resumption.verb)
        do {
            let (project, files) = (try target.project(), World.live().files)
            let spec = try project.spec(files)
            try project.requireState(files)
            let question = "This destroys cluster \(spec.cluster) at \(spec.domain) and its data."
            if !yes {
                try Terminal.require(
                    spec.cluster.rawValue, question, trying: "destroying \(spec.cluster)")
            }
        } catch { throw Ending.report(error, lines: lines) }
        let summary = try await Drive.run(
            target, resume: resumption, waits: place.waits, lines: lines
        ) { try await $0.destroy() }
        if let lines { lines.report(summary) } else { summary.forEach(Terminal.write) }
    }

    var resumption: Resumption { Resumption("jeeves destroy", of: target, place.words) }
}
