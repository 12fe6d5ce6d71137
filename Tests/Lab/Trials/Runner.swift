import Foundation
import Outside
import Pipelines

/// Plays the machine of GitHub Actions or of Jenkins that runs the jobs of a pipeline: its scripts,
/// by that shell, in a fresh checkout, with the operator's own state folder.
struct Runner: Sendable {
    private static let plans = "\(Repository.folder)/plans"
    private static let script = "\(Repository.folder)/script"
    /// How `jeeves` ends that was interrupted: 128 and the number of SIGINT.
    private static let interrupted: Int32 = 130

    let pipeline: Pipeline
    /// What stands before the file of a script.
    let shell: [String]
    let repository: Repository
    let cluster: LiveCluster

    /// A step without `shell` is run by `bash -e {0}`.
    static func github(_ repository: Repository, _ cluster: LiveCluster) throws -> Runner {
        Runner(
            pipeline: try Pipeline(workflow: text("github-actions.yml")),
            shell: ["bash", "-e"], repository: repository, cluster: cluster)
    }

    /// The step `sh` traces what it runs.
    static func jenkins(_ repository: Repository, _ cluster: LiveCluster) throws -> Runner {
        Runner(
            pipeline: try Pipeline(jenkinsfile: text("Jenkinsfile")),
            shell: ["sh", "-xe"], repository: repository, cluster: cluster)
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Layout.pipelines)/\(name)", encoding: .utf8)
    }

    /// Whether the job `plan` ends with 0, saying all of `parts`, and leaves a plan for exactly
    /// this content: of main with `branch`, or of main alone.
    func plans(_ branch: String? = nil, saying parts: [String] = []) async throws -> Bool {
        let content = try await repository.checkOut(merging: branch)
        guard try await run(pipeline.plan, endsWith: 0, saying: parts) else { return false }
        return hasPlan(content)
    }

    /// Whether main has content that was planned, and the job `apply` ends with 0 and takes that
    /// plan away.
    func applies() async throws -> Bool {
        let content = try await repository.checkOut()
        guard hasPlan(content) else {
            say("there is no plan for \(content)")
            return false
        }
        guard try await run(pipeline.apply, endsWith: 0) else { return false }
        return !hasPlan(content)
    }

    /// Whether the job `apply` ends with `code`, saying why.
    func refuses(with code: Int32, saying reason: String) async throws -> Bool {
        _ = try await repository.checkOut()
        return try await run(pipeline.apply, endsWith: code, saying: [reason])
    }

    /// Whether the job `apply` ends as interrupted when it is cancelled while its rollout changes
    /// the controllers: the process that the job began hears of that alone.
    func isCancelled() async throws -> Bool {
        let earlier = try await cluster.look.driving().rollout?.id
        _ = try await repository.checkOut()
        let job = try cluster.person.start(command(pipeline.apply[0]), in: Repository.checkout)
        let begun: Void? = try? await cluster.wait("the controllers change") {
            let rollout = try await cluster.look.driving().rollout
            return rollout?.id != earlier && rollout?.stages.last?.stage == .controllers
        }
        kill(job.pid, SIGINT)
        let code = try await cluster.ending(of: job)
        say("the job that was cancelled ended with \(code)")
        return begun != nil && code == Self.interrupted
    }

    private func hasPlan(_ content: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(Self.plans)/\(content).plan")
    }

    /// Runs scripts up to the first that fails.
    private func run(
        _ scripts: [String], endsWith code: Int32, saying parts: [String] = []
    ) async throws -> Bool {
        var whole = Finished(ending: .exited(0))
        for script in scripts where whole.succeeded {
            let one = try await cluster.person.read(
                command(script), in: Repository.checkout, deadline: LiveCluster.upMax)
            whole = Finished(ending: one.ending, output: whole.output + one.output + one.errors)
        }
        return whole.shows(code, saying: parts)
    }

    /// Its environment is the file's own, apart from where state and plans lie.
    private func command(_ script: String) throws -> [String] {
        try writeFile(script + "\n", to: Self.script)
        let places = ["STATE": "\(Operator.project)/.jeeves", "PLANS": Self.plans]
        let environment = pipeline.environment.merging(places) { $1 }
        return ["env"] + environment.map { "\($0.key)=\($0.value)" }.sorted() + shell
            + [Self.script]
    }
}
