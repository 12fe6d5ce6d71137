import ArgumentParser
import Model
import Testing

@testable import Commands

@Suite struct JeevesCommandTests {
    /// Every verb, and the verbs below it.
    private static var verbs: [any ParsableCommand.Type] {
        func below(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
            command.configuration.subcommands.flatMap { [$0] + below($0) }
        }
        return below(JeevesCommand.self)
    }

    @Test("every verb says what it does, and shows how it is typed")
    func help() {
        #expect(Self.verbs.count >= 13)
        for verb in Self.verbs {
            let name = verb._commandName
            #expect(verb.configuration.abstract.hasSuffix("."), "\(name)")
            let examples = verb.configuration.discussion.split(separator: "\n").filter {
                $0.drop { $0 == " " }.hasPrefix("jeeves ")
            }
            #expect(!examples.isEmpty, "\(name) has no example")
            let lines = verb.configuration.discussion.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(name) is broken anew at 80 columns")
        }
    }

    @Test("each example of the help can be parsed")
    func examples() throws {
        for verb in Self.verbs + [JeevesCommand.self] {
            for line in verb.configuration.discussion.split(separator: "\n") {
                let words = line.split(separator: " ", omittingEmptySubsequences: true)
                guard words.first == "jeeves" else { continue }
                // Before a redirection, a comment or a job sign; two spaces begin a comment.
                let typed = line.drop { $0 == " " }.split(separator: "  ").first ?? ""
                let arguments = typed.split(separator: " ").dropFirst().prefix {
                    $0 != ">" && $0 != "&"
                }
                #expect(throws: Never.self, "\(typed)") {
                    _ = try JeevesCommand.parseAsRoot(arguments.map(String.init))
                }
            }
        }
    }

    @Test("arguments after -- are kubectl's and Helm's own")
    func passedOn() throws {
        let parsed = try JeevesCommand.parseAsRoot(
            ["kubectl", "--", "get", "pods", "--all-namespaces"])
        #expect((parsed as? KubectlVerb)?.arguments == ["get", "pods", "--all-namespaces"])
        let helm = try JeevesCommand.parseAsRoot(["helm", "--", "list", "-A"])
        #expect((helm as? HelmVerb)?.arguments == ["list", "-A"])
    }

    /// The table of docs/operating.md.
    private static let statuses: [Failure.Code: Int32] = [
        .invalid: 1, .notFound: 1, .unauthorized: 1, .unavailable: 1, .unsupported: 1, .failed: 1,
        .gate: 3, .timeout: 5, .locked: 6, .conflict: 7, .stale: 8,
    ]

    @Test("every kind of failure has its exit status", arguments: Failure.Code.allCases)
    func exitStatus(of code: Failure.Code) throws {
        let wanted = try #require(Self.statuses[code], "the table lacks it")
        let ending = Ending.report(Failure(code, "testing: it failed")) as? ExitCode
        #expect(ending?.rawValue == wanted)
    }

    @Test("an interrupt ends with 130, any other error with 1, pending changes with their own 2")
    func otherEndings() {
        func status(_ error: any Error) -> Int32? {
            (Ending.report(error, resume: "jeeves up") as? ExitCode)?.rawValue
        }
        struct Stray: Error {}
        #expect(status(CancellationError()) == 130)
        #expect(status(Stray()) == 1)
        #expect(status(ExitCode(2)) == 2)
    }

    @Test("what a node or the network put into a failure cannot move the cursor")
    func escaped() {
        let failure = Failure(.failed, "asking worker-1: \u{1b}[2J\u{7}", fix: "type this")
        #expect(
            Ending.text(failure)
                == "jeeves: asking worker-1: \\u001b[2J\\u0007\n  fix: type this")
    }

    @Test("every error ends with what to type next", arguments: Failure.Code.allCases)
    func advice(for code: Failure.Code) {
        #expect(!Failure(code, "testing: it failed").advised.fix.isEmpty)
        let own = Failure(code, "testing: it failed", fix: "type this")
        #expect(own.advised == own)
    }

    @Test(
        "a word of a wrong form is answered with the form, and with what lists those that there are",
        arguments: [
            (
                ["up", "--replace", "bogus_node"], "a node name is 1 to 63 of a-z",
                "status --cached`"
            ),
            (["events", "--node", "Bad"], "a node name is 1 to 63 of a-z", "lists the nodes"),
            (["timeline", "--node", "Bad"], "a node name is", "lists the nodes"),
            (["node", "allow", "Bad"], "a node name is", "lists the nodes"),
            (["cert", "renew", "Bad"], "a node name is", "lists the nodes"),
            (["cert", "verify", "Bad"], "a node name is", "lists the nodes"),
            (["token", "create", "Bad"], "a node name is", "starting and ending with a letter"),
            (
                ["rollout", "show", "zz"], "a run id is 16 lower-case",
                "`jeeves rollout history` lists"
            ),
            (
                ["rollout", "undo", "zz"], "a run id is 16 lower-case",
                "`jeeves rollout history` lists"
            ),
            (
                ["timeline", "--at", "noon"], "a time is 2026-11-27T02:05:00Z",
                "2h for two hours ago"
            ),
            (["events", "--since", "1w"], "an age is a number", "90s, 15m, 1h or 2d"),
            (["support", "--since", "soon"], "an age is a number", "90s, 15m, 1h or 2d"),
            (["init", "--cluster", "Chat"], "a cluster name is", "starting and ending"),
            (["init", "--domain", "chat"], "a domain name is", "joined by dots"),
            (["init", "--email", "nope"], "reading --email: \"nope\"", "the CA may write to"),
            (["logs", "worker-1", "--lines", "0"], "--lines", "from 1 to 2000"),
            (["rollout", "history", "--count", "51"], "--count", "from 1 to 50"),
        ])
    func forms(_ arguments: [String], rule: String, more: String) throws {
        let error = try #require(throws: (any Error).self) {
            try JeevesCommand.parseAsRoot(arguments)
        }
        let said = JeevesCommand.fullMessage(for: error)
        #expect(said.contains(rule) && said.contains(more), "\(said)")
        #expect(JeevesCommand.exitCode(for: error).rawValue == 64)
    }

    @Test("the help of undo says where it leads without an id, and not what holds for other verbs")
    func undoHelp() {
        let help = JeevesCommand.helpMessage(for: RolloutCommand.Undo.self, columns: 1000)
        #expect(help.contains("default: the newest that was `done` with another cluster file"))
        #expect(!help.contains("the last one"))
    }

    @Test(
        "a cluster file that is a folder is told with what to type", arguments: ["/tmp", "/tmp/"])
    func folder(_ file: String) {
        let failure = #expect(throws: Failure.self) {
            try Working.project(file: file, state: nil)
        }
        #expect(failure?.message.hasSuffix("\(file): it is a folder") == true)
        #expect(failure?.fix == "name the file in it: --file /tmp/jeeves.yaml")
    }

    @Test(
        "wrong use exits with 64",
        arguments: [
            ["up", "--no-such-option"], ["up", "--replace", "Not a node"],
            ["logs", "controller-1", "--source", "nowhere"], ["logs", "Not a node"],
            ["token", "create", "worker-9", "--lifetime-minutes", "1441"],
            ["plan", "--output", "xml"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) {
            try JeevesCommand.parseAsRoot(arguments)
        }
        #expect(error.map { JeevesCommand.exitCode(for: $0).rawValue } == 64)
    }
}
