/// A name with a grammar: no value of such a type can hold a path, an option or a control
/// character, so it may stand in argv, a file name or a log line as it is.
public protocol Name: RawRepresentable, Codable, Hashable, Comparable, Sendable,
    CustomStringConvertible, CodingKeyRepresentable
where RawValue == String {
    /// What such a name is called in an error: "node name".
    static var kind: String { get }
    /// The rule in words, for the error of a name that breaks it.
    static var rule: String { get }
    static func isValid(_ text: String) -> Bool
    /// Wraps `text` without a check; only the checked initialisers of this protocol call it.
    init(unchecked text: String)
}

extension Name {
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { rawValue }

    public init?(rawValue text: String) {
        guard Self.isValid(text) else { return nil }
        self.init(unchecked: text)
    }

    /// Throws `invalid` if `text` breaks the rule of this kind of name.
    public init(_ text: String) throws {
        guard Self.isValid(text) else {
            let shown = text.unicodeScalars.prefix(64).map { $0.escaped(asASCII: true) }.joined()
            throw Failure(
                .invalid, "reading the \(Self.kind) \"\(shown)\": it must be \(Self.rule)",
                fix: "choose \(Self.rule)")
        }
        self.init(unchecked: text)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do { try self.init(text) } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "no \(Self.kind)",
                    underlyingError: error))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// One DNS label (RFC 1123 §2.1): 1 to 63 of a-z, 0-9 and `-`, starting and ending with a letter or
/// digit.
func isLabel(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"),
        bytes.last != UInt8(ascii: "-")
    else { return false }
    return bytes.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
    }
}

/// That many lower-case hexadecimal digits. Bytes and no characters are compared: stored documents
/// are full of digests, and all of them are judged at every reading.
func isHexadecimal(_ text: String, digits: Int) -> Bool {
    text.utf8.count == digits
        && text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
}

/// The cluster's name: part of every identity, tag and state folder.
public struct ClusterID: Name {
    public static let kind = "cluster name"
    public static let rule = "1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit"
    public static func isValid(_ text: String) -> Bool { isLabel(text) }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }
}

/// A node's name: its host name, its Kubernetes node name and its identity.
public struct NodeName: Name {
    public static let kind = "node name"
    public static let rule = "1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit"
    public static func isValid(_ text: String) -> Bool { isLabel(text) }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }
}

/// One driving start of a coordinator: random, so that two copies of one state folder differ.
public struct RunID: Name {
    public static let kind = "run id"
    public static let rule = "16 lower-case hexadecimal digits"
    public static func isValid(_ text: String) -> Bool { isHexadecimal(text, digits: 16) }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }
}

/// A step of a node: unique within its spec, and part of the name of its transient unit.
public struct StepID: Name {
    public static let kind = "step id"
    public static let rule = "1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit"
    public static func isValid(_ text: String) -> Bool { isLabel(text) }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }
}

/// A host name that certificates and DNS records are made for (RFC 1123): at least two labels,
/// lower case, at most 253 bytes, no wildcard.
public struct DomainName: Name {
    public static let kind = "domain name"
    public static let rule = "lower-case labels of a-z, 0-9 and - joined by dots, at most 253 bytes"
    public static func isValid(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count >= 2 && labels.allSatisfy(isLabel)
            && !(labels.last ?? "").allSatisfy(\.isNumber)
    }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }
}
