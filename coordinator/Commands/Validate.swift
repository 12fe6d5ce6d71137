import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves validate`: what is wrong with the cluster file, without network.
struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the cluster file without network.",
        discussion: """
            Names every problem with line and column. Exit status 0 if there is none, 1
            otherwise. A value that `jeeves init` wrote as an example and that leads
            nowhere is noted, and is no problem.

              jeeves validate
              jeeves validate --file staging/jeeves.yaml
            """)

    @OptionGroup var target: ProjectOptions

    func run() async throws {
        do {
            let project = try target.project()
            let files = World.live().files
            let spec = try project.spec(files)
            for line in try project.placeholders(files) { target.terminal.remark("note: \(line)") }
            Terminal.write(
                "\(project.clusterFile): right (cluster \(spec.cluster), \(spec.domain))")
        } catch {
            throw Ending.report(error)
        }
    }
}
