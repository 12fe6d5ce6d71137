import Model
import Testing

struct CompletenessTests {
    private let tree = SourceTree()

    @Test("every link in the documents leads to something")
    func documentLinks() throws {
        var findings: [Finding] = []
        for path in try tree.paths(in: "", ending: ".md") {
            let lines = try tree.text(path).split(separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in zip(1..., lines) {
                for link in Self.links(in: line)
                where try !tree.exists(Self.target(link, from: path)) {
                    findings.append(
                        Finding(path: path, line: number, message: "the link \(link) leads nowhere")
                    )
                }
            }
        }
        expect(findings)
    }

    @Test("every kind of step has its spec, its step and its test")
    func steps() throws {
        let bodies = SourceFile(
            path: "StepBody.swift", text: try tree.text("Sources/Model/StepBody.swift"))
        let names = bodies.code.compactMap(Self.specName)
        #expect(names.contains("HAProxy"))
        for name in names {
            for path in [
                "Sources/Model/Steps/\(name)Spec.swift", "agent/Steps/\(name)Step.swift",
                "Tests/AgentTests/Steps/\(name)StepTests.swift",
            ] {
                #expect(try tree.exists(path), "the step \(name) needs \(path)")
            }
        }
    }

    @Test("every exit status stands in the manual page and in docs/operating.md")
    func exitStatuses() throws {
        let manual = try tree.text("packaging/man/jeeves.1")
        let guide = try tree.text("docs/operating.md").replacing("\n", with: " ")
        for status in Set(Failure.Code.allCases.map(\.exitStatus)).union([0, 2, 64, 130]) {
            #expect(manual.contains("\n.B \(status)\n"), "\(status) is not in the manual page")
            #expect(guide.contains(" \(status) "), "\(status) is not in docs/operating.md")
        }
    }

    /// `HAProxy` of `case haproxy(HAProxySpec)`.
    private static func specName(_ line: Substring) -> String? {
        let words = line.split { " ()".contains($0) }
        guard words.count == 3, words[0] == "case", words[2].hasSuffix("Spec") else { return nil }
        return String(words[2].dropLast("Spec".count))
    }

    /// Targets of `[text](target)` that are files: no other sites, no places on the same page.
    private static func links(in line: Substring) -> [Substring] {
        line.split(separator: "](").dropFirst().compactMap { rest in
            guard let end = rest.firstIndex(of: ")") else { return nil }
            let link = rest[..<end].prefix { $0 != "#" && $0 != " " }
            return link.isEmpty || link.contains(":") ? nil : link
        }
    }

    /// The path that a link means, relative to the root.
    private static func target(_ link: Substring, from document: String) -> String {
        var parts = document.split(separator: "/").dropLast()
        for part in link.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }
}
