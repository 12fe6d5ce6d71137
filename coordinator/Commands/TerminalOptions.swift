import ArgumentParser
import Logging
import Model
import Outside

/// How much a verb says, and whether in colours; the same for every verb.
struct TerminalOptions: ParsableArguments {
    @Flag(
        name: .shortAndLong,
        help: "Also say what is done in detail, and which programs are run.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Say nothing but results, questions and errors.")
    var quiet = false

    @Flag(help: "No colours, as with NO_COLOR in the environment.")
    var noColor = false

    func validate() throws {
        if verbose, quiet { throw ValidationError("--verbose and --quiet exclude each other.") }
    }

    /// A remark on standard error.
    func remark(_ text: String) { if !quiet { Terminal.complain(text) } }

    /// A table on standard output.
    func write(table: String) {
        Terminal.write(Screen.output.hasColors && !noColor ? StateWords.paint(table) : table)
    }

    /// Where the progress of a drive is shown.
    func progress(_ clock: any Clocks) -> any ProgressWriter {
        if quiet { return NoProgress() }
        // Lines of other programs' output would tear what is drawn apart.
        guard Screen.errors.canRedraw, !verbose else { return ProgressLines() }
        return LiveScreen.open(hasColors: Screen.errors.hasColors && !noColor, clock)
    }

    /// The log of a drive. The progress tells a person what happens, and the log is for what goes
    /// wrong; a journal keeps which nodes came and went as well.
    func log(
        to progress: any ProgressWriter, isJournal: Bool = JournalLog.isConnected
    ) -> Logger {
        let hasColors = Screen.errors.hasColors && !noColor
        var log = Logger(label: "jeeves") { label in
            JournalLog.handler(label: label, hasColors: hasColors) { progress.say($0) }
        }
        log.logLevel = verbose ? .debug : quiet ? .error : isJournal ? .info : .warning
        return log
    }
}
