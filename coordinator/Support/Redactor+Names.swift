/// Secrets that stand behind a name that promises one, as JSON, YAML, a shell and a URL write them.
/// A line break that JSON has quoted, and JSON again, has few backslashes before it: with no bound
/// a text of nothing else would be read from each of them to its end.
extension Redactor {
    /// `password=…`, `"token": "…"`, `API_KEY: …`, also where JSON has quoted the quotes.
    private static var name: Regex<Substring> {
        #/
        (?i)
        (?:password|passphrase|passwd|pwd|secret|token|(?:_|access|secret|api|private)key|key-data
            |licen[cs]e)[\\"']*\h*[=:]\h*
        /#
    }

    static func withoutNamed(_ text: String) -> String {
        let name = name
        var (left, cleaned) = (text[...], "")
        while let found = left.firstMatch(of: name) {
            let value = value(at: left[found.range.upperBound...]) { indent(of: left[..<$0]) }
            cleaned += left[..<value.lowerBound]
            if !value.isEmpty { cleaned += mark }
            left = left[value.upperBound...]
        }
        return cleaned + left
    }

    /// Where the value is that `text` begins with; empty if there is none that could be a secret.
    private static func value(
        at text: Substring, indent: (Substring.Index) -> Int
    ) -> Range<Substring.Index> {
        if let quote = text.prefixMatch(of: /\\*["']/) {
            let start = quote.range.upperBound
            return start..<quotedEnd(text[start...], quote: quote.output)
        }
        if let block = text.prefixMatch(of: /[|>][+\-0-9]*\h*(?:#[^\n]{0,200})?(?=\n|\\{1,16}n)/) {
            let end = blockEnd(text[block.range.upperBound...], indent: indent(text.startIndex))
            return text.startIndex..<end
        }
        let word = text.prefix { !$0.isWhitespace && $0 != "\"" }
        let isQuoted = word.endIndex < text.endIndex && text[word.endIndex] == "\""
        // Backslashes there are those of the quote, which ends what the value stands in.
        let bare = isQuoted ? word.trimmed { $0 == "\\" } : word
        let isPlain = ["null", "true", "false"].contains(bare.trimmed { ",;}])".contains($0) })
        return text.startIndex..<(isPlain ? text.startIndex : bare.endIndex)
    }

    /// At the quote that began it. In JSON within JSON that one has backslashes itself, and one of
    /// the value has more of them; what is cut off ends with its line.
    private static func quotedEnd(_ text: Substring, quote: Substring) -> Substring.Index {
        let depth = quote.count - 1
        var index = text.startIndex
        while index < text.endIndex {
            let slashes = text[index...].prefix { $0 == "\\" }
            let next = slashes.endIndex
            guard next < text.endIndex else { break }
            let after = text.index(after: next)
            guard text[next] == quote.last else {
                index = after
                continue
            }
            let isDoubled =
                quote == "'" && slashes.isEmpty && after < text.endIndex && text[after] == "'"
            if isDoubled {
                index = text.index(after: after)
            } else if slashes.count < depth || (slashes.count - depth) % (2 * depth + 2) == 0 {
                return text.index(next, offsetBy: -min(depth, slashes.count))
            } else {
                index = after
            }
        }
        return text.firstIndex(where: \.isNewline) ?? text.endIndex
    }

    /// Behind the last line that stands deeper than the name of a YAML block.
    private static func blockEnd(_ text: Substring, indent: Int) -> Substring.Index {
        var (left, end) = (text, text.startIndex)
        while let lineBreak = left.prefixMatch(of: /\n|\\{1,16}n/) {
            let line = left[lineBreak.range.upperBound...]
            let stop = line.firstMatch(of: /\n|\\{1,16}n/)?.range.lowerBound ?? line.endIndex
            if line[..<stop].contains(where: { !$0.isWhitespace }) {
                guard Self.indent(of: line[..<stop]) > indent else { break }
                end = stop
            }
            left = line[stop...]
        }
        return end
    }

    /// How far the last line of `text` is indented, with the signs of a list and of a diff.
    private static func indent(of text: Substring) -> Int {
        let line = text.suffix(200).split(
            separator: /\n|\\{1,16}n/, omittingEmptySubsequences: false)
        return line.last?.prefix { " +-\t".contains($0) }.count ?? 0
    }
}

extension Substring {
    /// Without what is at its end.
    fileprivate func trimmed(_ isGone: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, isGone(last) { text.removeLast() }
        return text
    }
}
