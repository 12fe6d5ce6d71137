import Model

/// Commands for HAProxy's runtime API and its answers (management guide, "Unix Socket commands").
/// It opens no socket itself.
///
/// The API has no status codes, so answers are matched to the letter and anything else is a
/// failure. Transactions are global: abort a stale one before setting, and have one writer.
public enum HAProxyRuntime {
    /// Largest answer that any of these commands gives.
    public static let answerBytesMax = 256 << 10

    public static let showInfo = "show info\n"
    /// Every frontend, backend and server with its counters, as CSV.
    public static let showStat = "show stat\n"
    public static let showServers = "show servers state\n"

    public static func show(_ path: String) -> String { "show ssl cert \(path)\n" }

    /// Makes an empty place for a certificate that the configuration does not name yet.
    public static func new(_ path: String) -> String { "new ssl cert \(path)\n" }

    /// Blank lines are left out: the first one would end the payload.
    public static func set(_ path: String, pem: Secret) -> Secret {
        let lines = pem.reveal().split(whereSeparator: \.isNewline)
        return Secret("set ssl cert \(path) <<\n\(lines.joined(separator: "\n"))\n\n")
    }

    public static func commit(_ path: String) -> String { "commit ssl cert \(path)\n" }

    public static func abort(_ path: String) -> String { "abort ssl cert \(path)\n" }

    /// Transactions are global and name one certificate each: to abort that of another, this is the
    /// path in HAProxy's refusal. Nil if `answer` is none.
    public static func otherTransaction(in answer: String) -> String? {
        let words = "ongoing transaction is about '"
        guard let start = answer.firstRange(of: words)?.upperBound,
            let end = answer[start...].firstIndex(of: "'")
        else { return nil }
        return String(answer[start..<end])
    }

    /// Adding a line twice makes two entries: ask `show` first whether it is used.
    public static func add(_ line: String, to list: String) -> String {
        "add ssl crt-list \(list) <<\n\(line)\n\n"
    }

    public static func remove(_ path: String, from list: String) -> String {
        "del ssl crt-list \(list) \(path)\n"
    }

    public static func delete(_ path: String) -> String { "del ssl cert \(path)\n" }
}

extension HAProxyRuntime {
    /// The words that prove that a command was done.
    public enum Proof: String, Sendable {
        case made = "New empty certificate store"
        case set = "Transaction created"
        case committed = "Success!"
    }

    static let readLog = "look at `journalctl -u haproxy` on the node"

    /// Throws `failed` with HAProxy's own words unless `answer` holds the proof.
    public static func require(_ proof: Proof, in answer: String, trying tried: String) throws {
        guard answer.contains(proof.rawValue) else {
            let lines = answer.split(whereSeparator: \.isNewline).prefix(3)
            throw Failure(
                .failed, "\(tried): HAProxy says \"\(lines.joined(separator: " ").prefix(300))\"",
                fix: readLog)
        }
    }

    /// What `show info` says.
    public struct Info: Sendable, Hashable {
        public let version: HAProxyVersion
        public let pid: Int
        /// The running configuration's ``HAProxyConfig/description(_:)``; empty if it has none.
        public let description: String

        /// Throws `failed` if `answer` is none, `unsupported` if the version is too old.
        public init(_ answer: String) throws {
            let fields = HAProxyRuntime.fields(answer)
            guard let version = fields["Version"], let pid = fields["Pid"].flatMap({ Int($0) })
            else {
                throw Failure(
                    .failed, "asking HAProxy for `show info`: the answer has no version or pid",
                    fix: HAProxyRuntime.readLog)
            }
            self.version = try HAProxyVersion(version)
            self.pid = pid
            description = fields["description"] ?? ""
        }
    }

    /// What `show info` counts; nil if `answer` is none.
    public static func figures(_ answer: String) -> HAProxyFigures? {
        let fields = HAProxyRuntime.fields(answer)
        func number(_ name: String) -> Int? { fields[name].flatMap { Int($0) } }
        guard let connections = number("CurrConns"), let most = number("Maxconn"),
            let total = number("CumConns"), let requests = number("CumReq")
        else { return nil }
        return HAProxyFigures(
            connections: connections, connectionsMax: most, connectionsTotal: total,
            requestsTotal: requests)
    }

    /// What HAProxy has in memory under a certificate's path.
    public struct Loaded: Sendable, Hashable {
        /// Hexadecimal without leading zeros, lower case; nil while the place is empty.
        public let serial: String?
        /// Whether a line of the crt-list uses it.
        public let isUsed: Bool

        /// Nil if HAProxy knows no such certificate. Throws `failed` if the answer is neither.
        public init?(_ answer: String) throws {
            if answer.contains("Not found") { return nil }
            let fields = HAProxyRuntime.fields(answer)
            guard let status = fields["Status"] else {
                throw Failure(
                    .failed, "asking HAProxy for a certificate: it says \"\(answer.prefix(200))\"",
                    fix: HAProxyRuntime.readLog)
            }
            serial = fields["Serial"].map(HAProxyRuntime.serial)
            isUsed = status == "Used"
        }
    }

    /// One spelling for serial numbers, whoever printed them.
    public static func serial(_ text: String) -> String {
        String(text.lowercased().filter(\.isHexDigit).drop { $0 == "0" })
    }

    private static func fields(_ answer: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in answer.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                fields[String(parts[0])] = String(parts[1].drop { $0 == " " })
            }
        }
        return fields
    }
}
