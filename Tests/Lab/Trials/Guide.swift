import Foundation
import Model
import Outside

/// What docs/lab.md tells a newcomer to type, typed.
struct Guide {
    /// On the line before a block that is typed here.
    private static let marker = "<!-- in the lab -->"
    /// What the page calls this program by.
    private static let program = ".build/debug/lab "

    /// A line of the page, and how it has to end.
    private struct Line {
        let typed: String
        let status: Int32

        /// A comment may tell another exit status than 0: `jeeves doctor   # exits 3`.
        init(_ text: String) {
            let parts = text.components(separatedBy: "   # exits ")
            typed = parts[0]
            status = parts.count > 1 ? Int32(parts[1]) ?? -1 : 0
        }
    }

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        (file.workers, file.replicas) = (1, 1)
        guard await cluster.begins(file, &verdicts) else { return }
        var lines: [Line] = []
        await verdicts.expect("docs/lab.md has something to type") {
            lines = try Self.lines()
            return !lines.isEmpty
        }
        for line in lines {
            let held = await verdicts.expect(line.typed) { try await type(line) }
            guard held else { return }
        }
        await verdicts.expect("the chat serves at its end") { try await cluster.isLive() }
    }

    private func type(_ line: Line) async throws -> Bool {
        guard line.typed.hasPrefix(Self.program) else {
            return try await cluster.person.run(
                ["bash", "-c", line.typed], deadline: LiveCluster.upMax) == line.status
        }
        let words = line.typed.dropFirst(Self.program.count).split(separator: " ").map(String.init)
        try await cluster.host.output("/proc/self/exe", words)
        return true
    }

    private static func lines() throws -> [Line] {
        let text = try String(contentsOfFile: Layout.firstGuide, encoding: .utf8).components(
            separatedBy: "\n")
        return text.indices.filter { text[$0] == marker }.flatMap { index in
            text[(index + 2)...].prefix { $0 != "```" }.map(Line.init)
        }
    }
}
