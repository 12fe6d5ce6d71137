import ArgumentParser
import Glibc
import Model
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct TerminalOptionsTests {
    private func screen(_ isTerminal: Bool, _ environment: [String: String]) -> Screen {
        Screen(STDERR_FILENO, isTerminal: isTerminal, environment: environment)
    }

    @Test(
        "only a terminal that can move its cursor is drawn on, and NO_COLOR takes its colours",
        arguments: [
            (true, ["TERM": "xterm"], true, true), (false, ["TERM": "xterm"], false, false),
            (true, ["TERM": "dumb"], false, false), (true, [:], false, false),
            (true, ["TERM": "xterm", "NO_COLOR": "1"], true, false),
            (true, ["TERM": "xterm", "NO_COLOR": ""], true, true),
        ])
    func screens(
        isTerminal: Bool, environment: [String: String], canRedraw: Bool, hasColors: Bool
    ) {
        let screen = screen(isTerminal, environment)
        #expect(screen.canRedraw == canRedraw)
        #expect(screen.hasColors == hasColors)
    }

    @Test("a terminal that a person has stopped is not ready to be written to")
    func stopped() throws {
        var (reader, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&reader, &terminal, nil, nil, nil) == 0)
        defer { _ = [reader, terminal].map(close) }
        let screen = Screen(terminal, isTerminal: true, environment: [:])
        #expect(screen.isReady)
        #expect(tcflow(terminal, TCOOFF) == 0)
        #expect(!screen.isReady)
        #expect(tcflow(terminal, TCOON) == 0)
        #expect(screen.isReady)
    }

    @Test("every verb takes --verbose, --quiet and --no-color, but not the first two at once")
    func everywhere() throws {
        func leaves(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
            let below = command.configuration.subcommands
            return below.isEmpty ? [command] : below.flatMap(leaves)
        }
        for verb in leaves(JeevesCommand.self) {
            let help = JeevesCommand.helpMessage(for: verb)
            for flag in ["-v, --verbose", "-q, --quiet", "--no-color"] {
                #expect(help.contains(flag), "\(verb._commandName) has no \(flag)")
            }
        }
        let error = #expect(throws: (any Error).self) {
            try JeevesCommand.parseAsRoot(["up", "-v", "-q"])
        }
        #expect(error.map { JeevesCommand.exitCode(for: $0).rawValue } == 64)
        let parsed = try JeevesCommand.parseAsRoot(["up", "-v", "--no-color"]) as? Up
        #expect(parsed?.options.target.terminal.verbose == true)
        #expect(parsed?.options.target.terminal.noColor == true)
    }

    @Test("quiet shows no progress; verbose shows lines, between which the log stands")
    func progress() throws {
        let clock = ManualClock()
        let quiet = try TerminalOptions.parse(["--quiet"])
        #expect(quiet.progress(clock) is NoProgress)
        #expect(quiet.log(to: NoProgress()).logLevel == .error)
        let verbose = try TerminalOptions.parse(["--verbose"])
        #expect(verbose.progress(clock) is ProgressLines)
        #expect(verbose.log(to: NoProgress()).logLevel == .debug)
        let plain = try TerminalOptions.parse([])
        #expect(plain.log(to: NoProgress(), isJournal: false).logLevel == .warning)
    }

    @Test("a journal keeps who came and went as well, unless a flag says how much it shall")
    func journal() throws {
        let levels = try [[], ["--quiet"], ["--verbose"]].map { flags in
            try TerminalOptions.parse(flags).log(to: NoProgress(), isJournal: true).logLevel
        }
        #expect(levels == [.info, .error, .debug])
    }
}

/// Words that say how something is.
@Suite struct StateWordsTests {
    private func color(_ sgr: Int, _ text: String) -> String { "\u{1b}[\(sgr)m\(text)\u{1b}[0m" }

    @Test(
        "words in the state columns of each table are coloured by the worst of them, nothing else")
    func tables() {
        let text = [
            Terminal.table([
                ["LAYER", "STATE", "DETAIL"], ["dns", "right", "failed once"],
                ["edge", "wrong", ""],
            ]), "",
            Terminal.table([
                ["NODE", "KEY", "STATE"], ["a", "failed", "right, critical"],
                ["b", "-", "no report yet"], ["c", "-", "try 2"],
            ]), "", "failed: all of it",
        ].joined(separator: "\n")
        let painted = StateWords.paint(text)
        #expect(
            painted.split(separator: "\n") == [
                "LAYER  STATE  DETAIL", "dns    \(color(32, "right"))  failed once",
                "edge   \(color(31, "wrong"))", "NODE  KEY     STATE",
                "a     failed  \(color(31, "right, critical"))", "b     -       no report yet",
                "c     -       \(color(33, "try 2"))", "failed: all of it",
            ])
    }

    @Test("each state of a step has a colour", arguments: StepState.Kind.allCases)
    func steps(kind: StepState.Kind) {
        let table = Terminal.table([["STEP", "STATE"], ["a", kind.rawValue]])
        let sgr =
            switch Picture.State(kind) {
            case .right: 32
            case .wrong: 31
            case .changing, .unknown: 33
            }
        #expect(StateWords.paint(table).hasSuffix(color(sgr, kind.rawValue)))
    }

    @Test("a mark is coloured only where a line begins with it")
    func marks() {
        #expect(StateWords.paintMark("✓ dns") == "\(color(32, "✓")) dns")
        #expect(StateWords.paintMark("✗ dns") == "\(color(31, "✗")) dns")
        #expect(StateWords.paintMark("done ✓") == "done ✓")
        #expect(StateWords.paintMark("") == "")
    }
}
