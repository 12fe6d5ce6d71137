import Foundation
import Outside
import Testing

@testable import Commands

/// What README.md and the pages of docs/ tell a person to type.
@Suite struct DocumentCommandsTests {
    /// Stand alone on the line before a block that is typed where no test of ours can type it (on
    /// a real AWS account, or as root of the person's own machine), or that `lab trial guide`
    /// types.
    private static let markers = ["<!-- on AWS -->", "<!-- in the lab -->"]

    /// A fenced block in which somebody types `jeeves` or `make`.
    struct Block {
        let place: String
        let lines: [String]
        let isMarked: Bool

        /// The words of each line that a test can judge.
        var commands: [[String]] { lines.map(Self.words).filter(Self.isOurs) }
        /// What else is typed.
        var others: [String] {
            lines.filter { !Self.isOurs(Self.words($0)) && !$0.hasPrefix("cd ") }
        }

        /// Up to a redirection; two spaces begin a comment.
        private static func words(_ line: String) -> [String] {
            let typed = line.components(separatedBy: "  ").first ?? ""
            let words = typed.split(separator: " ").map(String.init).prefix { $0 != ">" }
            return Array(words.starts(with: asService) ? words.dropFirst(asService.count) : words)
        }

        private static let asService = ["sudo", "--user", "jeeves"]

        private static func isOurs(_ words: [String]) -> Bool {
            ["jeeves", "make"].contains(words.first)
        }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardizedFileURL

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func blocks() throws -> [Block] {
        let pages = try World.live().files.list(root.appending(path: "docs").path)
            .filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        return try (["README.md"] + pages).flatMap { page in
            blocks(of: try text(page), on: page).filter { !$0.commands.isEmpty }
        }
    }

    static func blocks(of page: String, on path: String) -> [Block] {
        let lines = page.components(separatedBy: "\n").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        let fences = lines.indices.filter { lines[$0].hasPrefix("```") }
        return stride(from: 0, to: fences.count - 1, by: 2).map { index in
            let begin = fences[index]
            return Block(
                place: "\(path):\(begin + 1)", lines: Array(lines[begin + 1..<fences[index + 1]]),
                isMarked: begin > 0 && markers.contains(lines[begin - 1]))
        }
    }

    @Test("each command in the documents is one that jeeves and make know")
    func commands() throws {
        let targets = Set(
            try Self.text("Makefile").split(separator: "\n").compactMap { line in
                line.firstIndex(of: ":").map { String(line[..<$0]) }
            })
        let blocks = try Self.blocks()
        #expect(blocks.count > 5)
        for block in blocks {
            for words in block.commands {
                if words[0] == "make" {
                    let named = words.dropFirst().prefix { !$0.contains("=") }
                    #expect(targets.isSuperset(of: named), "\(block.place): \(words)")
                } else {
                    #expect(throws: Never.self, "\(block.place): \(words)") {
                        _ = try JeevesCommand.parseAsRoot(Array(words.dropFirst()))
                    }
                }
            }
        }
    }

    @Test("a block with other programs' commands says that no test types it")
    func marks() throws {
        for block in try Self.blocks() where !block.isMarked {
            #expect(block.others == [], "\(block.place): \(Self.markers[0]) on the line before it")
        }
    }

    @Test("blocks, marks and the commands in them are found")
    func reading() {
        let page = """
            ```
            STAGE  RESULT
            ```
               <!-- on AWS -->
               ```
               export AWS_PROFILE=chat
               jeeves token create worker-9 > worker-9.token
               sudo --user jeeves jeeves status   # as the service
               ```
            """
        let blocks = Self.blocks(of: page, on: "a.md")
        #expect(blocks.map(\.isMarked) == [false, true])
        #expect(blocks.map(\.place) == ["a.md:1", "a.md:5"])
        #expect(blocks.last?.others == ["export AWS_PROFILE=chat"])
        #expect(
            blocks.map(\.commands) == [
                [], [["jeeves", "token", "create", "worker-9"], ["jeeves", "status"]],
            ])
    }
}
