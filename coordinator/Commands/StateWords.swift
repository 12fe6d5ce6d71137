import Model

/// Colours for words that say how something is. Nothing else is coloured, and nothing is said by a
/// colour alone.
enum StateWords {
    /// The worst last.
    private static let colors: [(sgr: Int, words: Set<Substring>)] = [
        (green, steps(in: green).union(["done", "✓"])),
        (
            yellow,
            steps(in: yellow).union([
                "try", "due", "warning", "paused", "interrupted", "aborted", "unknown",
            ])
        ),
        (
            red,
            steps(in: red).union(["wrong", "WRONG", "critical", "expired", "problem", "✗"])
        ),
    ]

    private static let (green, yellow, red) = (32, 33, 31)

    /// Headings of columns that hold such words.
    private static let headings: Set<Substring> = [
        "STATE", "RESULT", "VERDICT", "SEVERITY", "OUTCOME", "ALERT",
    ]

    /// The states of steps that have a colour.
    private static func steps(in sgr: Int) -> Set<Substring> {
        let found = StepState.Kind.allCases.filter { kind in
            switch kind {
            case .right: sgr == green
            case .waiting, .converging: sgr == yellow
            case .failed, .drifted, .unsupported: sgr == red
            }
        }
        return Set(found.map { Substring($0.rawValue) })
    }

    /// Colours the state columns of every table in `text`, which ``Terminal/table(_:)`` padded.
    static func paint(_ text: String) -> String {
        var columns: [Int] = []
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.isEmpty { columns = [] }
            let found = stateColumns(in: line)
            if !found.isEmpty {
                columns = found
                return String(line)
            }
            // From the right, so that what is on the left keeps its place.
            return columns.reversed().reduce(String(line)) { paint($0, at: $1) }
        }
        .joined(separator: "\n")
    }

    /// Colours the mark with which a line of progress may begin.
    static func paintMark(_ line: String) -> String {
        guard let mark = line.first,
            let color = colors.first(where: { $0.words.contains(Substring("\(mark)")) })
        else { return line }
        return "\u{1b}[\(color.sgr)m\(mark)\u{1b}[0m" + line.dropFirst()
    }

    private static func paint(_ line: String, at column: Int) -> String {
        guard line.count > column else { return line }
        let start = line.index(line.startIndex, offsetBy: column)
        let end = line[start...].firstRange(of: "  ")?.lowerBound ?? line.endIndex
        let words = line[start..<end].split { $0 == " " || $0 == "," }
        // `right, critical` is as bad as the worst of its words.
        guard let color = colors.last(where: { !$0.words.isDisjoint(with: words) }) else {
            return line
        }
        return line[..<start] + "\u{1b}[\(color.sgr)m" + line[start..<end] + "\u{1b}[0m"
            + line[end...]
    }

    /// Where the state columns of a table begin; none if `line` is no line of headings.
    private static func stateColumns(in line: Substring) -> [Int] {
        guard !line.contains(where: \.isLowercase) else { return [] }
        var columns: [Int] = []
        var at = line.startIndex
        while at < line.endIndex {
            let word = line[at...].prefix { $0 != " " }
            if headings.contains(word) {
                columns.append(line.distance(from: line.startIndex, to: at))
            }
            at = word.endIndex < line.endIndex ? line.index(after: word.endIndex) : line.endIndex
        }
        return columns
    }
}
