import ArgumentParser
import Foundation
import Testing
import Yams

@testable import Commands

/// The pipelines of packaging/ci against the program that they call.
@Suite struct PipelineFilesTests {
    private static func text(_ name: String) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let path = tests.appending(path: "../../packaging/ci/\(name)")
        return try String(contentsOf: path, encoding: .utf8)
    }

    /// To YAML its key `on` is a truth value.
    private static func document() throws -> [AnyHashable: Any] {
        try #require(try Yams.load(yaml: text("github-actions.yml")) as? [AnyHashable: Any])
    }

    /// Scripts of the workflow's steps, in the order of its jobs' names.
    private static func scripts() throws -> String {
        let jobs = try #require(try document()["jobs"] as? [String: [String: Any]])
        return jobs.sorted { $0.key < $1.key }.flatMap { job in
            (job.value["steps"] as? [[String: Any]] ?? []).compactMap { $0["run"] as? String }
        }.joined(separator: "\n")
    }

    /// The commands of Jeeves in a script, as the shell would hand them over.
    private static func lines(of script: String) -> [[String]] {
        script.split(separator: "\n").map { $0.drop { $0 == " " } }
            .filter { $0.hasPrefix("jeeves ") }
            .map { line in
                line.split(separator: " ").dropFirst().map {
                    String($0.replacing("\"", with: ""))
                }
            }
    }

    @Test("the workflow plans and applies, never for a fork, and drops no run that waits")
    func workflow() throws {
        let workflow = try Self.document()
        let jobs = try #require(workflow["jobs"] as? [String: [String: Any]])
        #expect(Set(jobs.keys) == ["plan", "apply"])
        #expect((jobs["plan"]?["if"] as? String)?.contains("head.repo.full_name") == true)
        #expect(workflow["concurrency"] == nil)
    }

    @Test("every command of both pipelines can be parsed, and what is applied is what was planned")
    func commands() throws {
        for script in [try Self.text("Jenkinsfile"), try Self.scripts()] {
            let commands = Self.lines(of: script)
            #expect(Set(commands.compactMap(\.first)) == ["validate", "plan", "up"])
            for arguments in commands {
                #expect(throws: Never.self, "\(arguments)") {
                    _ = try JeevesCommand.parseAsRoot(arguments)
                }
            }
            let plan = try #require(commands.first { $0.first == "plan" })
            #expect(plan.contains("--detailed-exitcode") && plan.contains("--out"))
            let up = try #require(commands.first { $0.first == "up" })
            #expect(plan.last { $0.hasPrefix("$PLAN") } == up.last)
            #expect(up.dropLast().last == "--plan")
        }
    }

    @Test("both tell the exit statuses apart that a person has to act on")
    func statuses() throws {
        for script in [try Self.text("Jenkinsfile"), try Self.scripts()] {
            for status in ["2)", "7)", "8)"] { #expect(script.contains(status)) }
        }
    }
}
