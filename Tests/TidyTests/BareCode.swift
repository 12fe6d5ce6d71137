/// Blanks comments and string literals, so that a rule about code is not broken by prose. Code in
/// interpolations stays.
struct BareCode {
    private let text: [UInt8]
    private var at = 0
    private var result: [UInt8] = []

    static func of(_ text: String) -> String {
        var scanner = BareCode(text: Array(text.utf8))
        scanner.code(inInterpolation: false)
        return String(decoding: scanner.result, as: UTF8.self)
    }

    private init(text: [UInt8]) { self.text = text }

    private func sees(_ word: StaticString) -> Bool {
        let end = at + word.utf8CodeUnitCount
        guard end <= text.count else { return false }
        return word.withUTF8Buffer { $0.elementsEqual(text[at..<end]) }
    }

    private func isAt(_ scalar: Unicode.Scalar) -> Bool { text[at] == UInt8(ascii: scalar) }

    private mutating func keep(_ count: Int = 1) {
        let end = min(at + count, text.count)
        result.append(contentsOf: text[at..<end])
        at = end
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where at < text.count {
            result.append(isAt("\n") ? text[at] : UInt8(ascii: " "))
            at += 1
        }
    }

    /// Reads code to the end, or to the bracket that closes an interpolation.
    private mutating func code(inInterpolation: Bool) {
        var depth = 0
        while at < text.count {
            if sees("//") {
                while at < text.count, !isAt("\n") { blank() }
            } else if sees("/*") {
                comment()
            } else if let hashes = stringOpening() {
                string(hashes)
            } else {
                if isAt("(") { depth += 1 }
                if isAt(")") { depth -= 1 }
                keep()
                if inInterpolation && depth < 0 { return }
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if sees("/*") {
                depth += 1
                blank(2)
            } else if sees("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && at < text.count
    }

    /// How many `#` come before the quotation mark here; nil if no literal begins here.
    private func stringOpening() -> Int? {
        var end = at
        while end < text.count, text[end] == UInt8(ascii: "#") { end += 1 }
        return end < text.count && text[end] == UInt8(ascii: "\"") ? end - at : nil
    }

    private mutating func string(_ hashes: Int) {
        blank(hashes)
        let quotes = sees("\"\"\"") ? 3 : 1
        keep(quotes)
        while at < text.count {
            if isAt("\"") && (quotes == 1 || sees("\"\"\"")) && hashesFollow(hashes, after: quotes)
            {
                keep(quotes)
                return blank(hashes)
            }
            guard isAt("\\"), hashesFollow(hashes, after: 1) else {
                blank()
                continue
            }
            blank(1 + hashes)
            let interpolates = sees("(")
            blank()
            if interpolates { code(inInterpolation: true) }
        }
    }

    private func hashesFollow(_ count: Int, after offset: Int) -> Bool {
        let begin = at + offset
        return begin + count <= text.count
            && text[begin..<begin + count].allSatisfy { $0 == UInt8(ascii: "#") }
    }
}
