import Model
import Yams

/// What a pipeline of packaging/ci has a shell run: the scripts of its two jobs, in their order,
/// and the environment that both of them have.
public struct Pipeline: Hashable, Sendable {
    public let environment: [String: String]
    public let plan: [String]
    public let apply: [String]

    private struct Workflow: Decodable {
        struct Jobs: Decodable {
            let plan: Job
            let apply: Job
        }

        struct Job: Decodable {
            let steps: [Step]

            var scripts: [String] { steps.compactMap(\.run).map(Pipeline.aligned) }
        }

        struct Step: Decodable {
            /// Nil for a step that is an action.
            let run: String?
        }

        let env: [String: String]
        let jobs: Jobs
    }

    /// Of a workflow of GitHub Actions with the jobs `plan` and `apply`. Throws what its decoding
    /// throws.
    public init(workflow text: String) throws {
        let workflow = try YAMLDecoder().decode(Workflow.self, from: text)
        environment = workflow.env
        plan = workflow.jobs.plan.scripts
        apply = workflow.jobs.apply.scripts
    }

    /// Of a declarative Jenkinsfile with the stages Plan and Apply, whose scripts stand in single
    /// quotes, so that Groovy leaves `$` to the shell. Throws `invalid` if it has no such stages.
    public init(jenkinsfile text: String) throws {
        let parts = text.split(separator: "stage('")
        func scripts(of stage: String) throws -> [String] {
            guard let part = parts.first(where: { $0.hasPrefix("\(stage)')") }) else {
                throw Failure(.invalid, "reading the Jenkinsfile: it has no stage \(stage)")
            }
            return part.matches(of: #/(?s)\bsh ('''|')(.+?)\1/#).map { Self.aligned(String($0.2)) }
        }
        let variables = (parts.first ?? "").matches(of: #/([A-Z]+) = '(.*)'/#)
        environment = variables.reduce(into: [:]) { $0[String($1.1)] = String($1.2) }
        plan = try scripts(of: "Plan")
        apply = try scripts(of: "Apply")
    }

    /// Without blank lines, and without the indentation that all of them share.
    private static func aligned(_ script: String) -> String {
        let lines = script.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
        let margin = lines.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { $0.dropFirst(margin) }.joined(separator: "\n")
    }
}
