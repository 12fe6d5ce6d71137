import Model
import Outside

/// Command lines for HAProxy, and what it prints. It runs nothing itself.
public enum HAProxy {
    public static func version() -> Command { Command("haproxy", ["-v"]) }

    /// Checks a configuration without binding anything. It finds no missing descriptors and no
    /// taken port: only a start does.
    public static func check(_ path: String) -> Command { Command("haproxy", ["-c", "-f", path]) }

    /// What `haproxy -c` complained about, each with its line: `line 2: unknown keyword 'foo' …`.
    /// Empty if there was no complaint in a form that is known (2.4 to 3.0).
    public static func complaints(_ finished: Finished) -> [String] {
        finished.errors.split(whereSeparator: \.isNewline).compactMap { line in
            guard line.contains("[ALERT]"), let start = line.firstRange(of: " : ")?.upperBound
            else { return nil }
            let text = line[start...].drop { $0 == " " }
            for noise in ["Error(s) found", "Fatal errors found"] where text.contains(noise) {
                return nil
            }
            return String(placed(text).prefix(300))
        }
    }

    /// `config : parsing [/etc/haproxy.cfg:2] : text` as `line 2: text`; anything else as it is.
    private static func placed(_ text: Substring) -> String {
        let text = text.hasPrefix("config : ") ? text.dropFirst("config : ".count) : text
        guard text.hasPrefix("parsing ["), let end = text.firstIndex(of: "]"),
            let colon = text[..<end].lastIndex(of: ":"),
            let line = Int(text[text.index(after: colon)..<end])
        else { return String(text) }
        let rest = text[text.index(after: end)...].drop { $0 == " " || $0 == ":" }
        return "line \(line): \(rest)"
    }
}

/// A version of HAProxy, as far as its configuration language depends on it.
public struct HAProxyVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let major: Int
    public let minor: Int

    public init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

    /// Reads the output of `haproxy -v` or the `Version` of `show info`. Throws `unsupported` if
    /// there is no version in it, or one older than 2.4.
    public init(_ text: String) throws {
        let line = text.prefix { !$0.isNewline }
        let numbers = line.split(separator: " ").lazy
            .map { $0.split(separator: ".", maxSplits: 2) }
            .first { $0.count > 1 && $0[0].allSatisfy(\.isNumber) }
        guard let numbers, let major = Int(numbers[0]),
            let minor = Int(numbers[1].prefix { $0.isNumber })
        else {
            throw Failure(
                .unsupported, "reading HAProxy's version: \"\(line.prefix(80))\" holds none",
                fix: "run `haproxy -v` on the node")
        }
        self.init(major, minor)
        guard self >= Self.oldest else {
            throw Failure(
                .unsupported, "reading HAProxy's version: \(self) is older than \(Self.oldest)",
                fix: "install haproxy from Ubuntu 22.04, 24.04 or Debian 12")
        }
    }

    public static let oldest = HAProxyVersion(2, 4)

    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    public var description: String { "\(major).\(minor)" }
}
