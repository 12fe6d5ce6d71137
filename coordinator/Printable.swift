/// Text from elsewhere as it may be shown on a terminal.
public enum Printable {
    /// Every control character, line break and invisible sign that changes how text is read, as
    /// JSON escapes it: `\u001b`. One line of JSON stays the same document.
    public static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                for unit in String(scalar).utf16 { escaped += code(unit) }
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The lines of a text, each escaped.
    public static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { escape(String($0)) }
    }

    /// A unified diff below the name of what changes.
    public static func diff(_ diff: String, of subject: String) -> String {
        ([escape("\(subject):")] + lines(diff).map { "  \($0)" }).joined(separator: "\n")
    }

    private static func code(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
