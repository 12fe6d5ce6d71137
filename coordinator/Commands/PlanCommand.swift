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

              jeeves plan
              jeeves plan --output json --detailed-exitcode
            """)

    @OptionGroup var target: ProjectOptions

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    @Flag(help: "Exit with 2 if something would change.")
    var detailedExitcode = false

    func run() async throws {
        let plan = try await Drive.run(target, resume: "jeeves plan") { try await $0.plan() }
        do {
            switch output {
            case .json:
                let text = try JSON.encode(plan, pretty: true)
                Terminal.write(String(decoding: text, as: UTF8.self))
            case .table: Terminal.write(table(plan))
            }
        } catch { throw Ending.report(error) }
        if detailedExitcode, !plan.changes.isEmpty { throw ExitCode(2) }
    }

    private func table(_ plan: Plan) -> String {
        guard !plan.changes.isEmpty else { return "No changes." }
        let rows = plan.stages.flatMap { stage in
            stage.changes.map {
                [stage.stage.rawValue, $0.action.rawValue, $0.subject, $0.detail]
            }
        }
        return Terminal.table([["STAGE", "ACTION", "SUBJECT", "DETAIL"]] + rows)
            + "\n\n\(plan.changes.count) changes. Apply them with `jeeves up`."
    }
}
