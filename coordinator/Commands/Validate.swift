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
            otherwise.

              jeeves validate
              jeeves validate --file staging/jeeves.yaml
            """)

    @OptionGroup var target: ProjectOptions

    func run() async throws {
        do {
            let project = try target.project()
            let spec = try project.spec(World.live().files)
            Terminal.write(
                "\(project.clusterFile): right (cluster \(spec.cluster), \(spec.domain))")
        } catch {
            throw Ending.report(error)
        }
    }
}
