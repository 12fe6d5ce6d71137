import Coordinator
import Model
import Outside

/// Server-sent events (WHATWG HTML §9.2): each event as it is written, and a word whenever a part
/// of the picture has changed, so that the page can be looked at anew.
struct EventStream: Sendable {
    static let lookEvery = Duration.seconds(1)
    /// Looks between two words without news, by which a client that is gone is noticed.
    private static let looksPerPing = 15
    /// Looks at the events between two at the picture.
    private static let looksPerPicture = 5

    let window: Window
    let from: UInt64
    /// Given back with the stream.
    let place: Places.Place

    /// Goes on until `send` throws, because nobody is there any more, or the task is cancelled.
    func run(_ send: (String) async throws -> Void) async throws {
        defer { place.leave() }
        var next = from
        var seen: [Picture.State]?
        try await send("retry: 3000\n\n")
        for look in 0... {
            let (events, end) = try window.events(next)
            for (number, event) in zip((end - UInt64(events.count))..., events) {
                try await send(try Self.message(event, number: number))
            }
            next = end
            if look % Self.looksPerPicture == 0 {
                let states = try await window.look().picture.parts.map(\.state)
                if let seen, seen != states { try await send("event: picture\ndata: changed\n\n") }
                seen = states
            }
            if look % Self.looksPerPing == Self.looksPerPing - 1 { try await send(": here\n\n") }
            try await window.clock.sleep(Self.lookEvery, op: "page.events")
        }
    }

    /// One line of JSON is one line of data: it has no line break of its own.
    static func message(_ event: Event, number: UInt64) throws -> String {
        let json = Printable.escape(String(decoding: try JSON.encode(event), as: UTF8.self))
        return "id: \(number)\ndata: \(json)\n\n"
    }
}
