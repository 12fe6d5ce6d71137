import Model

/// What `kubectl diff` prints with diff(1), cut into objects. It runs nothing itself.
///
/// Each object is a pair of files whose names are `group.version.Kind.namespace.name`; kubectl
/// masks the values of Secrets itself.
public enum KubectlDiff {
    private static let start = "diff -u -N "
    /// Where a pod template's fields begin: kubectl prints YAML with two blanks a level.
    private static let templateIndent = 6
    /// What the API server counts itself: it moves without anybody's doing, and tells nothing.
    private static let counted = ["  generation: ", "  resourceVersion: "]
    private static let workloads = ["Deployment", "DaemonSet", "StatefulSet"]

    /// A change for each object, in the order of the output; none if it is no such output.
    public static func changes(_ output: String) -> [Change] {
        var sections: [(name: Substring, lines: [Substring])] = []
        for line in output.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(start) {
                sections.append((line.split(separator: "/").last ?? "", []))
            } else if !sections.isEmpty {
                sections[sections.count - 1].lines.append(line)
            }
        }
        return sections.compactMap { change($0.name, $0.lines) }
    }

    private static func change(_ name: Substring, _ lines: [Substring]) -> Change? {
        guard let object = Object(name) else { return nil }
        let body = lines.drop { !$0.hasPrefix("@@") }.filter { !$0.isEmpty }
        guard let first = body.first else { return nil }
        if first.hasPrefix("@@ -0,0 ") { return Change(.create, object.subject) }
        let hunks = told(body)
        let restarts = workloads.contains(object.kind) && hunks.contains(where: isOfTemplate)
        return Change(
            .update, object.subject, effects: restarts ? [.restart] : [],
            diff: UnifiedDiff.bounded(hunks))
    }

    /// The hunks that say something, without the numbers that the API server keeps.
    private static func told(_ lines: [Substring]) -> [String] {
        var hunks: [[Substring]] = []
        for line in lines {
            if line.hasPrefix("@@") {
                hunks.append([line])
            } else if !counted.contains(where: { line.dropFirst().hasPrefix($0) }) {
                hunks[hunks.count - 1].append(line)
            }
        }
        return hunks.filter { hunk in
            hunk.contains { $0.hasPrefix("+") || $0.hasPrefix("-") }
        }.flatMap { $0 }.map(String.init)
    }

    private static func isOfTemplate(_ line: String) -> Bool {
        guard line.hasPrefix("+") || line.hasPrefix("-") else { return false }
        return line.dropFirst().prefix { $0 == " " }.count >= templateIndent
    }

    private struct Object {
        let kind: String
        let name: String

        var subject: String { "\(kind.lowercased())/\(name)" }

        /// A group has no upper-case letter, a kind begins with one; namespace and name follow.
        init?(_ file: Substring) {
            let parts = file.split(separator: ".", omittingEmptySubsequences: false)
            guard let index = parts.firstIndex(where: { $0.first?.isUppercase == true }),
                index + 2 < parts.count
            else { return nil }
            kind = String(parts[index])
            name = parts[(index + 2)...].joined(separator: ".")
        }
    }
}
