import Model
import Outside
import Support
import Testing

@Suite("haproxy.cfg and people", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct HandEditTests {
    /// Puts a line after the first two, which are ours, and expects that no pass of the agent
    /// takes it out or stops what runs.
    private func edit(
        _ line: String, _ debian: Debian, _ verify: (Failure?, EdgeNode) async throws -> Void
    ) async throws {
        try await EdgeNode.with(debian) { node in
            let (files, path) = (node.edge.world.files, node.layout.configFile)
            let text = try files.text(path) ?? ""
            let edited = text.replacing("maxconn 4000", with: line)
            try #require(edited != text)
            try files.replace(path, with: Array(edited.utf8), mode: 0o644, op: "test.edit")
            let worker = try await node.worker
            let step = try node.haproxy
            #expect(try await step.check(node.world) != .right)
            let told = await #expect(throws: Failure.self) { try await step.apply(node.world) }
            #expect(told?.code == .conflict)
            #expect(told?.message.contains("edited by hand") == true)
            #expect(told?.fix.contains("mv \(path)") == true)
            #expect(try files.text(path) == edited)
            #expect(try await node.worker == worker)
            try await verify(told, node)
        }
    }

    @Test(
        "a file that somebody broke is left alone, and the line is named",
        arguments: Debian.allCases)
    func broken(debian: Debian) async throws {
        try await edit("maxcon 4000", debian) { told, node in
            let text = try node.edge.world.files.text(node.layout.configFile) ?? ""
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let number = try #require(lines.firstIndex { $0.contains("maxcon 4000") }) + 1
            #expect(told?.message.contains("line \(number): ") == true, "\(told?.message ?? "")")
            #expect(told?.message.contains("maxcon") == true)
        }
    }

    @Test(
        "a file that somebody changed well is left alone too, and taken back once it is away",
        arguments: Debian.allCases)
    func changed(debian: Debian) async throws {
        try await edit("maxconn 3999", debian) { told, node in
            #expect(told?.message.contains("refuses") == false)
            try node.edge.world.files.remove(node.layout.configFile, op: "test.move")
            try await node.converge(node.haproxy)
        }
    }
}
