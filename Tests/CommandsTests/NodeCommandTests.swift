import ArgumentParser
import Glibc
import Model
import Outside
import Store
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct NodeCommandTests {
    /// A folder with a new cluster, and a node that a token was made for.
    private func withCluster(_ body: (_ folder: String) async throws -> Void) async throws {
        var template = Array("/tmp/commands-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let folder = String(cString: made)
        defer { World.live().files.clear(folder) }
        try await run(
            [
                "init", "--file", "\(folder)/jeeves.yaml", "--cluster", "chat", "--domain",
                "chat.example.org", "--email", "ops@example.org",
            ])
        try await run(["token", "create", "worker-9", "--file", "\(folder)/jeeves.yaml"])
        try await body(folder)
    }

    private func run(_ arguments: [String]) async throws {
        var command = try JeevesCommand.parseAsRoot(arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    @Test("a node is revoked and allowed by one command each, which may be repeated")
    func standing() async throws {
        try await withCluster { folder in
            let store = try Store.open(path: Project(folder: folder).store)
            for (verb, revoked) in [
                ("revoke", ["worker-9"]), ("revoke", ["worker-9"]), ("allow", []), ("allow", []),
            ] as [(String, Set<String>)] {
                try await run(
                    ["node", verb, "worker-9", "--yes", "--file", "\(folder)/jeeves.yaml"])
                #expect(try Revocations(store).all() == revoked, "after \(verb)")
            }
        }
    }

    @Test("a node that the cluster does not know ends the command with 1")
    func unknown() async throws {
        try await withCluster { folder in
            let ending = await #expect(throws: ExitCode.self) {
                try await run(
                    ["node", "revoke", "wroker-9", "--yes", "--file", "\(folder)/jeeves.yaml"])
            }
            #expect(ending?.rawValue == 1)
        }
    }

    @Test("without --yes the node's name has to be typed")
    func confirmation() {
        #expect(Terminal.confirm("Sure?", word: "worker-9", typed: { "worker-9" }))
        #expect(!Terminal.confirm("Sure?", word: "worker-9", typed: { "yes" }))
        #expect(!Terminal.confirm("Sure?", word: "worker-9", typed: { nil }))
    }
}
