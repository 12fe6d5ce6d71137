import CSystemd
import Glibc
import Logging

/// Writes log entries with their metadata as fields of the journal.
public struct JournalLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level = .info
    private let label: String

    init(label: String) { self.label = label }

    /// Whether standard error leads to the journal (systemd.exec(5), `JOURNAL_STREAM`).
    public static var isConnected: Bool {
        var found = stat()
        guard let stream = getenv("JOURNAL_STREAM"), fstat(STDERR_FILENO, &found) == 0 else {
            return false
        }
        return String(cString: stream) == "\(found.st_dev):\(found.st_ino)"
    }

    /// The journal if standard error leads there, else lines for `put`, or on standard error.
    public static func handler(
        label: String, hasColors: Bool = isatty(STDERR_FILENO) == 1,
        put: (@Sendable (String) -> Void)? = nil
    ) -> any LogHandler {
        guard isConnected else {
            return LineLog(
                label: label, hasColors: hasColors, put: put ?? LineLog.toStandardError)
        }
        return JournalLog(label: label)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) { Self.send(fields(event)) }

    /// The metadata stands in the message as well: journalctl(1) shows a person nothing else.
    func fields(_ event: LogEvent) -> [String] {
        let words = LogText.merged(metadata, metadataProvider, event)
        return [
            "MESSAGE=\(LogText.sentence(event, words))",
            "PRIORITY=\(Self.priority(event.level))",
            "SYSLOG_IDENTIFIER=\(label)",
            "CODE_FILE=\(event.file)", "CODE_LINE=\(event.line)",
        ] + words.map { "\(LogText.fieldName($0.key))=\(LogText.escaped($0.value))" }
    }

    /// syslog(3) levels.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// An entry that cannot be written is lost: logging must not stop the work.
    private static func send(_ fields: [String]) {
        var bytes = Array(fields.joined().utf8)
        let counts = fields.map(\.utf8.count)
        bytes.withUnsafeMutableBytes { buffer in
            var offset = 0
            let vectors = counts.map { count in
                defer { offset += count }
                return iovec(iov_base: buffer.baseAddress?.advanced(by: offset), iov_len: count)
            }
            sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }
}

/// Makes log entries single lines.
struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level = .info
    private let label: String
    private let hasColors: Bool
    private let put: @Sendable (String) -> Void

    init(
        label: String, hasColors: Bool,
        put: @escaping @Sendable (String) -> Void = LineLog.toStandardError
    ) {
        self.label = label
        self.hasColors = hasColors
        self.put = put
    }

    /// One write a line, so that lines of several threads do not mix.
    static func toStandardError(_ line: String) {
        let text = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { put(line(event)) }

    func line(_ event: LogEvent) -> String {
        let level = colour("\(event.level)", of: event.level)
        let words = LogText.merged(metadata, metadataProvider, event)
        return "\(label): \(level): \(LogText.sentence(event, words))"
    }

    private func colour(_ text: String, of level: Logger.Level) -> String {
        guard hasColors else { return text }
        let code =
            switch level {
            case .trace, .debug: 2
            case .info, .notice: 32
            case .warning: 33
            case .error, .critical: 31
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// What both kinds of log do to text that may come from outside.
enum LogText {
    /// Control characters as `\n` or `\u{1B}`: one entry stays one line and cannot move a cursor.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate:
                result += scalar.escaped(asASCII: true)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The message and what belongs to it: `step failed node=ctl-1`.
    static func sentence(_ event: LogEvent, _ words: [(key: String, value: String)]) -> String {
        escaped(event.message.description)
            + words.map { " \(escaped($0.key))=\(escaped($0.value))" }.joined()
    }

    /// A journal field: A-Z, 0-9 and `_`, a letter first, at most 64 bytes.
    static func fieldName(_ key: String) -> String {
        let name = String(
            key.unicodeScalars.prefix(62).map { scalar -> Character in
                let upper = Character(scalar).uppercased()
                guard upper.utf8.count == 1, let letter = upper.first,
                    letter.isLetter || letter.isNumber
                else { return "_" }
                return letter
            })
        return name.first.map { $0.isLetter } == true ? name : "F_" + name
    }

    /// All metadata of an entry by key; the entry's own wins.
    static func merged(
        _ bound: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: LogEvent
    ) -> [(key: String, value: String)] {
        var all = bound
        all.merge(provider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
    }
}
