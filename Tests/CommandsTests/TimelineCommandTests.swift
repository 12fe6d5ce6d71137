import ArgumentParser
import FoundationEssentials
import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct TimelineCommandTests {
    /// 2026-01-01T00:00:00Z.
    private let now = Date(timeIntervalSince1970: 1_767_225_600)
    private let utc = LocalTime(offset: 0)
    private let berlin = LocalTime(offset: 3600)

    @Test("a time is RFC 3339, a time of today by the person's clock, or an age")
    func times() throws {
        #expect(try PastTime("2025-12-31T23:00:00Z").date(now: now, in: utc) == now - 3600)
        #expect(try PastTime("2025-12-31t23:00:00z").date(now: now, in: utc) == now - 3600)
        #expect(try PastTime("2h").date(now: now, in: utc) == now - 7200)
        // It is one o'clock there.
        #expect(try PastTime("00:30").date(now: now, in: berlin) == now - 1800)
        #expect(try PastTime("00:00").date(now: now, in: utc) == now)
    }

    @Test("a time that is none, or still to come, is refused with the ways to write one")
    func refusals() throws {
        for wrong in ["", "yesterday", "25:00", "2:5", "2026-01-01", "12:60"] {
            #expect(throws: ValidationError.self, "\(wrong)") { try PastTime(wrong) }
        }
        let failure = #expect(throws: Failure.self) {
            try PastTime("01:30").date(now: now, in: berlin)
        }
        #expect(failure?.code == .invalid)
        #expect(failure?.message.contains("2026-01-01 01:30:00 UTC+01:00") == true)
    }

    @Test("times are shown by the clock of the machine, which the table names")
    func zones() {
        #expect(berlin.text(now) == "2026-01-01 01:00:00")
        #expect(berlin.name == "UTC+01:00")
        #expect(LocalTime(offset: -12_600).name == "UTC-03:30")
        #expect(utc.name == "UTC")
        #expect(LocalTime(offset: -3600).midnight(before: now) == now - 23 * 3600)
    }

    @Test("what is not known is said, and what others wrote is escaped")
    func moment() {
        let text = TimelineText(zone: utc, now: now)
        let moment = Moment(
            at: now - 60, desired: nil, attempted: nil, nodes: [],
            layers: Moment.Layers(
                since: now - 90,
                layers: [ClusterStatus.Layer(name: "edge", state: .wrong, detail: "a\u{1b}[31m")],
                layersSince: ["edge": now - 3600]),
            unknown: ["what was wanted: nothing was written down yet"])
        let lines = text.moment(moment).split(separator: "\n")
        #expect(lines.first == "as of 2025-12-31 23:59:00 UTC, 1m ago")
        #expect(lines.contains("desired: not known"))
        #expect(lines.contains("attempted: nothing"))
        #expect(lines.contains { $0.hasPrefix("edge ") && $0.hasSuffix("a\\u001b[31m") })
        #expect(lines.contains { $0.contains("wrong  2025-12-31 23:00:00") })
        #expect(lines.last == "not known: what was wanted: nothing was written down yet")
    }

    @Test("--at shows the whole cluster at one time: it takes neither --since nor --node")
    func usage() {
        for more in [["--since", "2h"], ["--node", "worker-1"]] {
            let error = #expect(throws: (any Error).self) {
                try JeevesCommand.parseAsRoot(["timeline", "--at", "2h"] + more)
            }
            #expect(error.map { JeevesCommand.exitCode(for: $0).rawValue } == 64)
        }
    }
}
