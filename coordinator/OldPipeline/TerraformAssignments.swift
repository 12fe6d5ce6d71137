import Model

/// Reads `name = value` from a `terraform.tfvars`: strings, numbers and truth values. Lists, maps,
/// heredocs and expressions are passed over, and said to be there. Evaluates nothing.
struct TerraformAssignments {
    struct Assignment: Hashable {
        let name: String
        /// Nil if it is none of the plain kinds.
        let value: String?
        let line: Int
    }

    /// Brackets inside brackets.
    private static let depthMax = 64
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let path: String
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    /// Throws `invalid` with the line of what is not of this form, or set twice.
    static func read(_ text: String, path: String) throws -> [Assignment] {
        var reader = TerraformAssignments(text, path: path)
        var found: [Assignment] = []
        var lines: [String: Int] = [:]
        while let next = try reader.next() {
            if let earlier = lines.updateValue(next.line, forKey: next.name) {
                throw reader.failure(
                    "`\(next.name)` is set already in line \(earlier)", line: next.line)
            }
            found.append(next)
        }
        return found
    }

    private init(_ text: String, path: String) {
        self.path = path
        let all = Array(text.utf8)
        bytes = all.starts(with: Self.mark) ? Array(all.dropFirst(Self.mark.count)) : all
    }

    private mutating func next() throws -> Assignment? {
        try skipSpace(overLines: true)
        guard let first = peek() else { return nil }
        let start = line
        let name: String
        if first == UInt8(ascii: "\"") {
            name = try string() ?? ""
        } else {
            name = take { $0.isWordByte }
        }
        try skipSpace(overLines: false)
        guard !name.isEmpty, peek() == UInt8(ascii: "=") else {
            throw failure("`name = value` is expected here", line: start)
        }
        at += 1
        try skipSpace(overLines: false)
        let value = try value()
        try skipSpace(overLines: false)
        guard peek().map({ $0 == UInt8(ascii: "\n") }) ?? true else {
            throw failure("more follows the value of `\(name)`", line: line)
        }
        return Assignment(name: name, value: value, line: start)
    }

    private mutating func value() throws -> String? {
        switch peek() {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            try skipBrackets()
            return nil
        case UInt8(ascii: "<"):
            try skipHeredoc()
            return nil
        default:
            let word = take { !"#/\r\n".utf8.contains($0) }
            let text = String(word.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            guard !text.isEmpty else { throw failure("the value is missing", line: line) }
            let digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
            let isNumber = digits.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
            return isNumber || ["true", "false"].contains(text) ? text : nil
        }
    }

    func failure(_ what: String, line: Int) -> Failure {
        Failure(
            .invalid, "reading \(path):\(line): \(what)",
            fix: "mend line \(line), or take it out of the file")
    }
}

/// The pieces of the language.
extension TerraformAssignments {
    private func peek(_ ahead: Int = 0) -> UInt8? {
        at + ahead < bytes.count ? bytes[at + ahead] : nil
    }

    private mutating func take(_ belongs: (UInt8) -> Bool) -> String {
        let start = at
        while let byte = peek(), belongs(byte) { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// Blanks and comments; line ends too if `overLines`.
    private mutating func skipSpace(overLines: Bool) throws {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): at += 1
            case UInt8(ascii: "\n") where overLines:
                at += 1
                line += 1
            case UInt8(ascii: "#"): _ = take { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                _ = take { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): try skipBlockComment()
            default: return
            }
        }
    }

    private mutating func skipBlockComment() throws {
        let start = line
        at += 2
        while let byte = peek() {
            if byte == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                at += 2
                return
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
        throw failure("the comment that begins here has no end", line: start)
    }

    /// A string in quotes; nil if it holds an expression (`${…}`, `%{…}`).
    private mutating func string() throws -> String? {
        let start = line
        var text: [UInt8] = []
        var isPlain = true
        at += 1
        while let byte = peek(), byte != UInt8(ascii: "\n") {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return isPlain ? String(decoding: text, as: UTF8.self) : nil
            case UInt8(ascii: "\\"): text += try escape()
            case UInt8(ascii: "$"), UInt8(ascii: "%"):
                if peek() == byte, peek(1) == UInt8(ascii: "{") {
                    at += 1
                } else if peek() == UInt8(ascii: "{") {
                    isPlain = false
                }
                text.append(byte)
            default: text.append(byte)
            }
        }
        throw failure("the quotes that open here are not closed", line: start)
    }

    /// What stands after a backslash.
    private mutating func escape() throws -> [UInt8] {
        let byte = peek()
        at += 1
        switch byte {
        case UInt8(ascii: "n"): return [UInt8(ascii: "\n")]
        case UInt8(ascii: "r"): return [UInt8(ascii: "\r")]
        case UInt8(ascii: "t"): return [UInt8(ascii: "\t")]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return byte.map { [$0] } ?? []
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let end = at + (byte == UInt8(ascii: "u") ? 4 : 8)
            guard end <= bytes.count,
                let code = UInt32(String(decoding: bytes[at..<end], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw failure("there is no such character", line: line) }
            at = end
            return Array(String(Character(scalar)).utf8)
        default: throw failure("a backslash before this means nothing", line: line)
        }
    }

    /// A list or a map, with all that is in it.
    private mutating func skipBrackets() throws {
        let start = line
        var open: [UInt8] = []
        while true {
            try skipSpace(overLines: true)
            guard let byte = peek() else {
                throw failure("the bracket that opens here is not closed", line: start)
            }
            switch byte {
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                open.append(byte)
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                // In ASCII each bracket's end comes two after its beginning.
                guard open.popLast().map({ $0 + 2 }) == byte else {
                    throw failure("this bracket closes none", line: line)
                }
                at += 1
                if open.isEmpty { return }
            default: at += 1
            }
            guard open.count <= Self.depthMax else {
                throw failure("more than \(Self.depthMax) brackets are open", line: line)
            }
        }
    }

    private mutating func skipHeredoc() throws {
        let start = line
        guard peek(1) == UInt8(ascii: "<") else {
            throw failure("this is no value", line: line)
        }
        at += 2
        if peek() == UInt8(ascii: "-") { at += 1 }
        let end = take { $0.isWordByte }
        while !end.isEmpty, peek() != nil {
            _ = take { $0 != UInt8(ascii: "\n") }
            guard peek() != nil else { break }
            at += 1
            line += 1
            let rest = bytes[at...].prefix { $0 != UInt8(ascii: "\n") }
            let word = rest.drop { $0 == 32 || $0 == 9 }
            if word.elementsEqual(end.utf8) || word.elementsEqual(end.utf8.map { $0 } + [13]) {
                at += rest.count
                return
            }
        }
        throw failure("the text that begins here has no end", line: start)
    }
}

extension UInt8 {
    /// Whether this byte can stand in a name of Terraform's.
    fileprivate var isWordByte: Bool {
        switch Unicode.Scalar(self) {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}
