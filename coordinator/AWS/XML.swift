import Model

/// One element of an AWS answer with its text and children; attributes are passed over.
///
/// A parser for what AWS sends and nothing else: no DTD, no entities but the five of XML 1.0 §4.6
/// and character references, bounded in size and depth.
struct XML: Hashable, Sendable {
    static let bytesMax = 8 << 20
    static let depthMax = 64

    let name: String
    var text = ""
    var children: [XML] = []

    /// Throws `invalid` with the byte at which it is no longer understood.
    static func parse(_ bytes: [UInt8]) throws -> XML {
        guard bytes.count <= bytesMax else {
            throw Failure(.invalid, "reading XML: it is over \(bytesMax) bytes")
        }
        var parser = XMLParser(bytes: bytes)
        return try parser.document()
    }

    /// Elements at a path of names below this one, in document order.
    func all(_ path: String...) -> [XML] {
        path.reduce([self]) { level, name in
            level.flatMap { $0.children.filter { $0.name == name } }
        }
    }

    /// The text of the first element at `path`, without surrounding white space.
    func text(_ path: String...) -> String? {
        var found = self
        for name in path {
            guard let child = found.children.first(where: { $0.name == name }) else { return nil }
            found = child
        }
        return found.text.trimmed
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// Reads a document from the first byte to the last, with a stack of its own, so that depth costs
/// memory that is counted.
private struct XMLParser {
    private let bytes: [UInt8]
    private var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws -> XML {
        var open: [XML] = []
        while at < bytes.count {
            if bytes[at] != UInt8(ascii: "<") {
                let text = try text()
                if open.isEmpty {
                    // A byte order mark may stand before the prolog.
                    guard text.allSatisfy({ $0.isWhitespace || $0 == "\u{FEFF}" }) else {
                        throw trouble("text outside of the root element")
                    }
                } else {
                    open[open.count - 1].text += text
                }
            } else if skips("<?") {
                try skip(past: "?>")
            } else if skips("<!--") {
                try skip(past: "-->")
            } else if skips("</") {
                let name = try name()
                try expect(">")
                guard let done = open.popLast(), done.name == name else {
                    throw trouble("</\(name)> closes nothing")
                }
                if open.isEmpty { return try finish(done) }
                open[open.count - 1].children.append(done)
            } else {
                at += 1
                let element = XML(name: try name())
                if try attributes() {
                    if open.isEmpty { return try finish(element) }
                    open[open.count - 1].children.append(element)
                } else {
                    guard open.count < XML.depthMax else { throw trouble("it is nested too deep") }
                    open.append(element)
                }
            }
        }
        throw trouble("it ends too early")
    }

    /// Nothing but white space may follow the root.
    private func finish(_ root: XML) throws -> XML {
        guard bytes[at...].allSatisfy({ $0 == 32 || (9...13).contains($0) }) else {
            throw trouble("something follows the root element")
        }
        return root
    }

    /// Reads to the end of a start tag; true if it is the whole element (`<a/>`).
    private mutating func attributes() throws -> Bool {
        var quote: UInt8?
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return bytes[at - 2] == UInt8(ascii: "/")
            }
        }
        throw trouble("a tag has no end")
    }

    private mutating func text() throws -> String {
        let end = bytes[at...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        defer { at = end }
        guard let raw = String(validating: bytes[at..<end], as: UTF8.self) else {
            throw trouble("it is not UTF-8")
        }
        guard raw.contains("&") else { return raw }
        let parts = raw.split(separator: "&", omittingEmptySubsequences: false)
        return try parts.dropFirst().reduce(into: String(parts[0])) { text, part in
            let entity = part.prefix { $0 != ";" }
            guard entity.count < part.count, let character = Self.character(entity) else {
                throw trouble("&\(entity.prefix(16)) is not known")
            }
            text.append(character)
            text += part.dropFirst(entity.count + 1)
        }
    }

    private static func character(_ entity: Substring) -> Character? {
        switch entity {
        case "lt": "<"
        case "gt": ">"
        case "amp": "&"
        case "quot": "\""
        case "apos": "'"
        case _ where entity.hasPrefix("#x"):
            UInt32(entity.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init).map(Character.init)
        case _ where entity.hasPrefix("#"):
            UInt32(entity.dropFirst()).flatMap(Unicode.Scalar.init).map(Character.init)
        default: nil
        }
    }

    private mutating func name() throws -> String {
        let start = at
        while at < bytes.count, Self.isNameByte(bytes[at]) { at += 1 }
        guard at > start, at - start <= 256 else { throw trouble("a tag has no proper name") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.:".utf8.contains(byte)
    }

    private mutating func expect(_ text: String) throws {
        while at < bytes.count, bytes[at] == 32 || (9...13).contains(bytes[at]) { at += 1 }
        guard skips(text) else { throw trouble("\(text) is missing") }
    }

    /// Goes past `text` if it stands here.
    private mutating func skips(_ text: String) -> Bool {
        guard bytes[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    private mutating func skip(past end: String) throws {
        while at < bytes.count {
            if skips(end) { return }
            at += 1
        }
        throw trouble("\(end) is missing")
    }

    private func trouble(_ reason: String) -> Failure {
        Failure(.invalid, "reading XML at byte \(at): \(reason)")
    }
}
