import ArgumentParser
import Foundation
import Pipelines
import Testing
import Yams

@testable import Commands

/// The pipelines of packaging/ci against the programs that read them: GitHub's, Jenkins' and ours.
/// `lab trial pipeline` runs their scripts.
@Suite struct PipelineFilesTests {
    private let workflow: String
    private let jenkinsfile: String
    private let pipeline: Pipeline

    init() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        func text(_ name: String) throws -> String {
            let path = tests.appending(path: "../../packaging/ci/\(name)")
            return try String(contentsOf: path, encoding: .utf8)
        }
        workflow = try text("github-actions.yml")
        jenkinsfile = try text("Jenkinsfile")
        pipeline = try Pipeline(workflow: workflow)
    }

    private func document() throws -> [String: Any] {
        try #require(try Yams.load(yaml: workflow) as? [String: Any])
    }

    private func jobs() throws -> [String: [String: Any]] {
        try #require(try document()["jobs"] as? [String: [String: Any]])
    }

    /// The commands of Jeeves in scripts, as the shell would hand them over.
    private func commands(in scripts: [String]) -> [[String]] {
        scripts.flatMap { $0.split(separator: "\n") }.compactMap { line in
            var words = line.split(separator: " ").map { String($0.replacing("\"", with: "")) }
            if words.first == "exec" { words.removeFirst() }
            return words.first == "jeeves" ? Array(words.dropFirst()) : nil
        }
    }

    @Test("the workflow has no key that GitHub does not know")
    func keys() throws {
        #expect(Set(try document().keys) == ["name", "on", "permissions", "env", "jobs"])
        for job in try jobs().values {
            #expect(Set(job.keys) == ["if", "runs-on", "steps"])
            for step in try #require(job["steps"] as? [[String: Any]]) {
                let keys = Set(step.keys)
                #expect(keys == ["name", "run"] || keys == ["uses", "with"])
            }
        }
    }

    @Test("the workflow plans what may be merged or a person asks for, and applies what was merged")
    func triggers() throws {
        let triggers = try #require(try document()["on"] as? [String: Any])
        #expect(Set(triggers.keys) == ["pull_request", "push", "workflow_dispatch"])
        for name in ["pull_request", "push"] {
            let filter = try #require(triggers[name] as? [String: [String]])
            #expect(filter == ["branches": ["main"]])
        }
        #expect(try jobs()["apply"]?["if"] as? String == "github.event_name == 'push'")
    }

    @Test("no fork is planned, and no step but the checkout sees a token of the repository")
    func strangers() throws {
        let condition = try #require(try jobs()["plan"]?["if"] as? String)
        #expect(condition.hasSuffix("pull_request.head.repo.full_name == github.repository"))
        #expect(jenkinsfile.contains("expression { !env.CHANGE_FORK }"))
        let uses = try jobs().values.flatMap { $0["steps"] as? [[String: Any]] ?? [] }
            .compactMap { $0["with"] as? [String: Bool] }
        #expect(uses == [["persist-credentials": false], ["persist-credentials": false]])
    }

    @Test("nothing is pasted into a script: not by GitHub's expressions, not by Groovy")
    func pasting() {
        for script in pipeline.plan + pipeline.apply { #expect(!script.contains("${{")) }
        #expect(!jenkinsfile.contains("\\"))
        #expect(!jenkinsfile.contains("sh \""))
    }

    @Test("both pipelines run the same scripts in the same environment")
    func same() throws {
        #expect(try Pipeline(jenkinsfile: jenkinsfile) == pipeline)
        #expect(Set(pipeline.environment.keys) == ["STATE", "PLANS"])
        #expect(pipeline.plan.count == 2 && pipeline.apply.count == 2)
    }

    @Test("every command can be parsed, and what is applied is what was planned")
    func parsing() throws {
        let (planned, applied) = (commands(in: pipeline.plan), commands(in: pipeline.apply))
        #expect(planned.map(\.first) == ["validate", "plan"] && applied.map(\.first) == ["up"])
        for arguments in planned + applied {
            #expect(throws: Never.self, "\(arguments)") {
                _ = try JeevesCommand.parseAsRoot(arguments)
            }
        }
        #expect(planned.last?.suffix(2) == ["--out", "$PLAN"])
        #expect(applied.last?.suffix(2) == ["--plan", "$PLAN"])
        let names = (pipeline.plan + pipeline.apply).flatMap { $0.split(separator: "\n") }
            .filter { $0.hasPrefix("PLAN=") }
        #expect(names.count == 2 && Set(names).count == 1)
    }

    @Test("who cancels a job reaches jeeves: it takes the place of the shell")
    func cancelling() throws {
        for script in [try #require(pipeline.plan.last), try #require(pipeline.apply.first)] {
            #expect(script.split(separator: "\n").last?.hasPrefix("exec jeeves ") == true)
        }
    }
}
