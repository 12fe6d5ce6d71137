import Coordinator
import FoundationEssentials
import Model

/// What is answered to whoever asks: the page, its two files, the events and the metrics. Pure of
/// any HTTP library. Answers GET and HEAD only, and never changes anything.
struct Site: Sendable {
    struct Answer: Sendable {
        enum Body: Sendable {
            case text(String)
            case stream(EventStream)
        }

        var status = 200
        var type = "text/plain; charset=utf-8"
        var body: Body

        static func refusal(_ status: Int, _ reason: String) -> Answer {
            Answer(status: status, body: .text(reason + "\n"))
        }
    }

    struct Question: Sendable {
        let method: String
        let path: String
        var query: [String: String] = [:]
        /// What the client took the server for, without a port: the `Host` header's.
        var host = "localhost"
        /// `Last-Event-ID`.
        var lastEvent: String?
    }

    /// Nothing comes from elsewhere, no script but the one file, and nobody frames the page.
    static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        + "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    let window: Window
    /// Whether names other than `localhost` are answered to.
    let isExposed: Bool
    let streams: Places
    /// Another time is read from the whole history: one at once, so that nobody keeps the store
    /// from the coordinator's own writes.
    let moments = Places(max: 1)

    /// Who comes back after more events than this has missed the older ones.
    private static let missedMax: UInt64 = 1000

    init(window: Window, isExposed: Bool, streamsMax: Int = 16) {
        self.window = window
        self.isExposed = isExposed
        streams = Places(max: streamsMax)
    }

    func answer(_ question: Question) async -> Answer {
        guard ["GET", "HEAD"].contains(question.method) else {
            return .refusal(405, "This page can only be read.")
        }
        guard isExposed || Self.isOwn(question.host) else {
            return .refusal(421, "Open it by its address, or by localhost.")
        }
        do {
            switch question.path {
            case "/": return try await page(question.query["at"])
            case "/page.css":
                return Answer(type: "text/css; charset=utf-8", body: .text(Style.text))
            case "/page.js":
                return Answer(type: "text/javascript; charset=utf-8", body: .text(Script.text))
            case "/events": return try events(question)
            case "/metrics":
                let figures = Figures(
                    try await window.look(), await window.measure(), now: window.clock.now())
                return Answer(
                    type: Exposition.contentType, body: .text(Exposition(figures.families).text))
            default: return .refusal(404, "There is nothing here; the page is at /.")
            }
        } catch {
            return .refusal(500, Printable.escape(Failure(error, trying: "looking").message))
        }
    }

    /// A name that leads here may be anybody's: a page of theirs in a person's browser would then
    /// read what only this machine may see (DNS rebinding). Addresses cannot be made to.
    private static func isOwn(_ host: String) -> Bool {
        host == "localhost" || host.hasPrefix("[")
            || (!host.isEmpty && host.allSatisfy { $0.isNumber || $0 == "." })
    }

    private func page(_ at: String?) async throws -> Answer {
        var then: ThenPane?
        if let at {
            guard let time = try? Date(at, strategy: .iso8601) else {
                return .refusal(400, "at: write a time as 2026-01-31T12:00:00Z.")
            }
            guard let place = moments.enter() else {
                return .refusal(503, "Another time is being read; ask again.")
            }
            defer { place.leave() }
            then = ThenPane(moment: try window.moment(time))
        }
        let events = try window.events(nil)
        let page = Page(view: try await window.look(), events: events, then: then)
        return Answer(type: "text/html; charset=utf-8", body: .text(page.html.text))
    }

    /// From what the client has seen last, or from now on.
    private func events(_ question: Question) throws -> Answer {
        let seen = (question.lastEvent ?? question.query["after"]).flatMap { UInt64($0) }
        let newest = try window.events(nil).next
        let oldest = newest > Self.missedMax ? newest - Self.missedMax : 0
        let start = max(oldest, min(seen.map { $0 &+ 1 } ?? newest, newest))
        guard let place = streams.enter() else {
            return .refusal(503, "Too many watch already; a reload shows the newest.")
        }
        return Answer(
            type: "text/event-stream",
            body: .stream(EventStream(window: window, from: start, place: place)))
    }
}
