import Coordinator
import FoundationEssentials
import Model
import Testing

@testable import Commands

@Suite struct EventsCommandTests {
    private let event = Event(
        at: Date(timeIntervalSince1970: 1_767_225_600), actor: "agent/worker-1",
        subject: "step/haproxy", cause: "drift", outcome: .failed,
        detail: "a\u{1b}[31m\nb\u{9b}\u{202e}c")

    @Test("what a terminal would obey is shown as JSON escapes it, and letters stay")
    func escaping() {
        #expect(Printable.escape("\u{7}\t\u{7f}\u{2028}") == "\\u0007\\u0009\\u007f\\u2028")
        #expect(Printable.escape("Käse 日本 🎉 -> \"x\"") == "Käse 日本 🎉 -> \"x\"")
        #expect(Printable.escape("\u{e0001}") == "\\udb40\\udc01")
    }

    @Test("an event is one line with its age for a person, and JSON with its time for a program")
    func lines() throws {
        let line = EventLines.line(event, now: event.at + 90)
        #expect(line.hasSuffix("a\\u001b[31m\\u000ab\\u009b\\u202ec"))
        #expect(line.hasPrefix("1m30s "))
        let json = try EventLines.json(event)
        #expect(json.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(json.contains("\"at\":\"2026-01-01T00:00:00Z\""))
        #expect(try JSON.decode(Event.self, from: json.utf8, what: "it") == event)
    }

    @Test("an age has a number and a unit")
    func ages() {
        #expect(Age("90s")?.duration == .seconds(90))
        #expect(Age("15m")?.duration == .seconds(900))
        #expect(Age("2d")?.duration == .seconds(172_800))
        for wrong in ["", "h", "1", "0h", "-1h", "1w", "1.5h", "100001s"] {
            #expect(Age(wrong) == nil, "\(wrong)")
        }
    }
}
