import FoundationEssentials
import Model
import Outside

/// snapd's REST API for one snap: requests out, parsed answers back. It sends nothing itself.
///
/// Source: https://snapcraft.io/docs/snapd-api; root's peer credentials on the socket are enough.
public struct Snapd: Sendable {
    public static let socket = Endpoint.unix(path: "/run/snapd.socket")
    /// Most bytes of an answer: a change lists all its tasks with their logs.
    public static let answerBytesMax = 1 << 20

    public let name: String

    public init(snap name: String) { self.name = name }

    /// What is installed.
    public func get() -> HTTPRequest { request("GET", "/v2/snaps/\(name)") }

    /// Installs with classic confinement. Answers a change.
    public func install(channel: String) throws -> HTTPRequest {
        try post(Action(action: "install", channel: channel, classic: true))
    }

    /// Takes the newest revision of another channel, and follows that one from then on. Answers a
    /// change.
    public func refresh(channel: String) throws -> HTTPRequest {
        try post(Action(action: "refresh", channel: channel))
    }

    /// Keeps snapd from refreshing the snap by itself, for good. Answers a change.
    public func hold() throws -> HTTPRequest {
        try post(Action(action: "hold", holdLevel: "general", time: "forever"))
    }

    /// Turns a disabled snap on again. Answers a change.
    public func enable() throws -> HTTPRequest { try post(Action(action: "enable")) }

    /// Changes of this snap that have not ended.
    public func running() -> HTTPRequest {
        request("GET", "/v2/changes?select=in-progress&for=\(name)")
    }

    public func change(_ id: String) -> HTTPRequest { request("GET", "/v2/changes/\(id)") }

    private struct Action: Encodable {
        var action: String
        var channel: String?
        var classic: Bool?
        var holdLevel: String?
        var time: String?

        enum CodingKeys: String, CodingKey {
            case action, channel, classic, time
            case holdLevel = "hold-level"
        }
    }

    private func post(_ action: Action) throws -> HTTPRequest {
        request("POST", "/v2/snaps/\(name)", try JSON.encode(action))
    }

    private func request(_ method: String, _ target: String, _ body: [UInt8] = []) -> HTTPRequest {
        var headers = ["Host": "localhost"]
        if !body.isEmpty { headers["Content-Type"] = "application/json" }
        return HTTPRequest(method, Self.socket, target, headers: headers, body: body)
    }
}

extension Snapd {
    /// One installed snap.
    public struct Snap: Decodable, Hashable, Sendable {
        public let status: String
        public let channel: String?
        public let version: String?
        public let revision: String?
        /// Until when refreshes are held, RFC 3339; absent if they are not.
        public let hold: String?
        private let trackingChannel: String?

        enum CodingKeys: String, CodingKey {
            case status, channel, version, revision, hold
            case trackingChannel = "tracking-channel"
        }

        public var isActive: Bool { status == "active" }
        /// The channel that refreshes come from.
        public var tracked: String { trackingChannel ?? channel ?? "" }
    }

    /// One piece of work of snapd, and how far it is.
    public struct Change: Decodable, Hashable, Sendable {
        public struct Task: Decodable, Hashable, Sendable {
            /// Bytes of a download; 1 of 1 for all else.
            struct Progress: Decodable, Hashable {
                let done: UInt64
                let total: UInt64
            }

            public let summary: String
            public let status: String
            public let log: [String]?
            let progress: Progress?

            /// `Download snap "microk8s", 45 % of 163.1 MiB`.
            fileprivate var sentence: String {
                guard let progress, progress.total > 1 else { return summary }
                let percent = min(100, Double(progress.done) / Double(progress.total) * 100)
                return "\(summary), \(Int(percent)) % of \(progress.total.sizeText)"
            }
        }

        public let id: String
        public let kind: String
        public let summary: String
        public let status: String
        public let ready: Bool
        public let err: String?
        public let tasks: [Task]?

        public var succeeded: Bool { ready && status == "Done" }
        /// What is going on now, for a person.
        public var activity: String {
            tasks?.first { $0.status == "Doing" }?.sentence ?? summary
        }

        /// Why a change that ended did not succeed: snapd's own words, the last line of a failed
        /// task's log where it has one.
        public var reason: String {
            let last = tasks?.last { $0.status == "Error" }?.log?.last
            let text = last ?? err ?? "it ended \(status)"
            return String(
                text.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(600))
        }
    }
}
