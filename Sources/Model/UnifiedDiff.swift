/// Two texts compared line by line as diff(1) `-u` does, for a person: at most so many lines come
/// out that nobody scrolls for ever. It says nothing for texts that are the same.
public enum UnifiedDiff {
    /// Lines around a change that are shown with it.
    private static let context = 3
    /// Lines that come out, at most; the last one then says how many more there are.
    public static let linesMax = 400
    /// Longer texts than that are not compared: time and memory grow with the square of the lines
    /// that differ (about 4 bytes for each pair of them), and an agent has 256 MiB.
    static let inputLinesMax = 5000

    private struct Line {
        /// ` `, `-` or `+`.
        let mark: Character
        let text: Substring
    }

    /// Hunks as POSIX describes them for `diff -u`, without the two lines that name files.
    public static func text(from old: String, to new: String) -> String {
        guard old != new else { return "" }
        let (before, after) = (lines(of: old), lines(of: new))
        guard before.count <= inputLinesMax, after.count <= inputLinesMax else {
            return "\(before.count) lines become \(after.count), too many to compare"
        }
        return bounded(hunks(of: merged(before, after)).flatMap { $0 })
    }

    /// The lines of a diff that a program printed, bounded as ours are, or more tightly.
    public static func bounded(
        _ lines: [String], linesMax: Int = UnifiedDiff.linesMax, bytesMax: Int = .max
    ) -> String {
        var bytes = 0
        let shown = lines.prefix(linesMax).prefix { line in
            bytes += line.utf8.count + 1
            return bytes <= bytesMax
        }
        let more = lines.count - shown.count
        return (shown + (more > 0 ? ["… \(more) more lines"] : [])).joined(separator: "\n")
    }

    private static func lines(of text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private static func merged(_ before: [Substring], _ after: [Substring]) -> [Line] {
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var merged: [Line] = []
        var (old, new) = (0, 0)
        while old < before.count || new < after.count {
            if removed.contains(old) {
                merged.append(Line(mark: "-", text: before[old]))
                old += 1
            } else if inserted.contains(new) {
                merged.append(Line(mark: "+", text: after[new]))
                new += 1
            } else {
                merged.append(Line(mark: " ", text: before[old]))
                (old, new) = (old + 1, new + 1)
            }
        }
        return merged
    }

    private static func hunks(of lines: [Line]) -> [[String]] {
        var ranges: [Range<Int>] = []
        for index in lines.indices where lines[index].mark != " " {
            let wanted =
                max(0, index - context)..<min(lines.count, index + context + 1)
            if let last = ranges.last, last.upperBound >= wanted.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<wanted.upperBound
            } else {
                ranges.append(wanted)
            }
        }
        return ranges.map { range in
            [header(of: range, in: lines)] + lines[range].map { "\($0.mark)\($0.text)" }
        }
    }

    /// `@@ -4,7 +4,8 @@`: where the hunk begins in either text, and how long it is there.
    private static func header(of range: Range<Int>, in lines: [Line]) -> String {
        func place(without mark: Character) -> String {
            let before = lines[..<range.lowerBound].count { $0.mark != mark }
            let length = lines[range].count { $0.mark != mark }
            return "\(length == 0 ? before : before + 1),\(length)"
        }
        return "@@ -\(place(without: "+")) +\(place(without: "-")) @@"
    }
}
