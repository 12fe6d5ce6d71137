import Coordinator
import Model

/// A piece of a page. What stands in the literal is markup; what is interpolated is text, and gets
/// in only escaped, so that nothing that a node, a program or a person said becomes markup.
///
/// Interpolate into the content of elements and into double-quoted attributes, never elsewhere.
struct HTML: Hashable, Sendable, ExpressibleByStringInterpolation {
    let text: String

    init(stringLiteral value: String) { text = value }

    init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) { text += literal }

        mutating func appendInterpolation(_ piece: HTML) { text += piece.text }

        mutating func appendInterpolation(_ pieces: [HTML]) {
            text += pieces.map(\.text).joined(separator: "\n")
        }

        mutating func appendInterpolation(_ value: String) { text += HTML.escape(value) }

        mutating func appendInterpolation(_ name: some Name) { text += HTML.escape(name.rawValue) }

        mutating func appendInterpolation(_ number: some BinaryInteger) { text += "\(number)" }
    }

    /// The five signs that mean something in HTML, and those that cannot be seen.
    private static func escape(_ text: String) -> String {
        // Scalar by scalar: a sign with an accent on it is another character to Swift, and to a
        // browser the same sign.
        Printable.escape(text).unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}
