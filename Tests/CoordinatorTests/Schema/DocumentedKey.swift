import Foundation

/// One row of the tables in docs/cluster-file.md.
struct DocumentedKey {
    /// Keys from the top of the file: `app.chart.name`.
    let path: String
    /// Its kind in words: `list of text`.
    let kind: String
    /// As it would stand in the file, or `required`, or `none`.
    let standard: String
    /// Markdown.
    let meaning: String
    let example: String

    /// Every row, in the document's order.
    static func all() throws -> [DocumentedKey] {
        let text = try String(contentsOf: document("cluster-file.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            let cells = line.split(separator: "|").map {
                String($0).trimmingCharacters(in: .whitespaces)
            }
            let bare = cells.map { $0.replacing("`", with: "") }
            return DocumentedKey(
                path: bare[0], kind: bare[1], standard: bare[2], meaning: cells[3],
                example: bare[4])
        }
    }

    /// A cluster file in which every key has its example.
    static func file(of keys: [DocumentedKey]) -> String {
        var lines: [String] = []
        var open: [Substring] = []
        for key in keys {
            let words = key.path.split(separator: ".")
            let parents = Array(words.dropLast())
            let shared = zip(open, parents).prefix { $0 == $1 }.count
            for depth in shared..<parents.count {
                lines.append(String(repeating: "  ", count: depth) + "\(parents[depth]):")
            }
            open = parents
            let indent = String(repeating: "  ", count: parents.count)
            lines.append("\(indent)\(words[parents.count]): \(key.example)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A file below docs.
func document(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/\(name)")
        .standardizedFileURL
}
