import Logging
import Testing

@testable import Outside

struct JournalLogTests {
    private func event(_ message: Logger.Message, _ metadata: Logger.Metadata) -> LogEvent {
        LogEvent(
            level: .warning, message: message, metadata: metadata, source: "test", file: "f",
            function: "g", line: 1)
    }

    @Test("an entry is one plain line with its metadata in order")
    func line() {
        var log = LineLog(label: "jeeves", hasColors: false)
        log.metadata["node"] = "ctl-1"
        log.metadata["step"] = "bound"
        let line = log.line(event("step failed", ["step": "haproxy"]))
        #expect(line == "jeeves: warning: step failed node=ctl-1 step=haproxy")
    }

    @Test("the journal gets the same sentence, with a level and a field for each metadata key")
    func journal() {
        var log = JournalLog(label: "jeeves")
        log.metadata["node"] = "ctl-1"
        let fields = log.fields(event("step failed", ["retry-in": "5s"]))
        #expect(
            fields == [
                "MESSAGE=step failed node=ctl-1 retry-in=5s", "PRIORITY=4",
                "SYSLOG_IDENTIFIER=jeeves", "CODE_FILE=f", "CODE_LINE=1", "NODE=ctl-1",
                "RETRY_IN=5s",
            ])
    }

    @Test("control characters from outside are shown, not obeyed")
    func escaping() {
        let line = LineLog(label: "jeeves", hasColors: false)
            .line(event("a\nb", ["said": "\u{1B}[2Jé\u{202E}"]))
        #expect(line == #"jeeves: warning: a\nb said=\u{1B}[2Jé\u{202E}"#)
    }

    @Test("colours only where a terminal shows them")
    func colours() {
        let line = LineLog(label: "jeeves", hasColors: true).line(event("a", [:]))
        #expect(line == "jeeves: \u{1B}[33mwarning\u{1B}[0m: a")
    }

    @Test(
        "a metadata key becomes a field that the journal takes",
        arguments: [
            ("specGeneration", "SPECGENERATION"), ("retry-in", "RETRY_IN"), ("_pid", "F__PID"),
            ("4xx", "F_4XX"), ("größe", "GR__E"), ("", "F_"),
        ])
    func fieldName(key: String, field: String) { #expect(LogText.fieldName(key) == field) }
}
