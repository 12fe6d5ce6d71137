import Glibc
import Model
import Testing

@testable import Commands

/// Questions at a terminal of our own, whose other end is the person.
@Suite(.timeLimit(.minutes(1))) struct TerminalTests {
    /// What is answered to what is typed once the terminal is silent; it is as before afterwards.
    private func answer(to keys: String) async throws -> Terminal.Answer {
        var (person, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&person, &terminal, nil, nil, nil) == 0)
        defer { for end in [person, terminal] { close(end) } }
        let before = try flags(of: terminal)
        let asking = Task.detached { [terminal] in
            try Terminal.secret("Passphrase?", at: terminal)
        }
        while try flags(of: terminal) == before { await Task.yield() }
        Terminal.put(keys, to: person)
        let answer = await asking.result
        #expect(try flags(of: terminal) == before)
        return try answer.get()
    }

    private func flags(of terminal: Int32) throws -> tcflag_t {
        var found = termios()
        try #require(tcgetattr(terminal, &found) == 0)
        return found.c_lflag
    }

    @Test("what is typed is the answer, and the end of the input is none")
    func typed() async throws {
        #expect(try await answer(to: "correct horse\n") == .typed(Secret("correct horse")))
        #expect(try await answer(to: "\u{4}") == .ended)
        #expect(try Terminal.secret("Passphrase?", at: -1) == .noTerminal)
    }

    @Test("Ctrl-C and Ctrl-Z cancel at once, and the terminal shows again what is typed")
    func cancelled() async {
        for keys in ["abc\u{3}", "abc\u{1a}", "abc\u{1c}\n"] {
            await #expect(throws: CancellationError.self) { try await answer(to: keys) }
        }
    }

    @Test("a node's log cannot play with the terminal, and a program gets it as it is")
    func logs() {
        let log = "a\tb\n\u{1B}]52;c;aGk=\u{7}c\n"
        #expect(Terminal.shown(log, isTerminal: true) == "a b\n\\u001b]52;c;aGk=\\u0007c\n")
        #expect(Terminal.shown(log, isTerminal: false) == log)
    }

    @Test("an input that ended and a missing terminal are told apart")
    func sentences() throws {
        #expect(try PassphraseOption.taken(.typed(Secret("x"))) == Secret("x"))
        for (answer, words) in [
            (Terminal.Answer.ended, "the input ended"), (.noTerminal, "this is no terminal"),
        ] {
            let failure = #expect(throws: Failure.self) { try PassphraseOption.taken(answer) }
            #expect(failure?.code == .invalid)
            #expect(failure?.message.contains(words) == true)
        }
    }
}
