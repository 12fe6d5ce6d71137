import Coordinator
import Glibc
import Model

/// Writes to the person: results to stdout, everything else to stderr.
enum Terminal {
    static func write(_ text: String) { put(text + "\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) { put(text + "\n", to: STDERR_FILENO) }

    /// Writes what another program wrote, as it is.
    static func pass(_ output: String, errors: String = "") {
        put(output, to: STDOUT_FILENO)
        put(errors, to: STDERR_FILENO)
    }

    /// A log of a node's: as it is for a program, and so that it cannot play with a person's
    /// terminal.
    static func shown(_ log: String, isTerminal: Bool = isatty(STDOUT_FILENO) == 1) -> String {
        guard isTerminal else { return log }
        return Printable.lines(log.replacing("\t", with: " ")).joined(separator: "\n")
    }

    /// Asks for a typed word; false unless exactly that was typed.
    static func confirm(
        _ question: String, word: String, typed: () -> String? = { readLine() }
    ) -> Bool {
        complain("\(question)\nType \(word) to go on:")
        return typed() == word
    }

    /// Throws `conflict` unless exactly `word` is typed.
    static func require(_ word: String, _ question: String, trying tried: String) throws {
        guard confirm(question, word: word) else {
            throw Failure(
                .conflict, "\(tried): not confirmed",
                fix: "type \(word) when you are asked, or add --yes")
        }
    }

    /// What came of asking for something that is not shown.
    enum Answer: Equatable { case typed(Secret), ended, noTerminal }

    /// Asks for something that is not shown while it is typed. The keys that would end or stop us
    /// are taken as text meanwhile, as getpass(3) does, for a terminal must not be left silent:
    /// with them it throws `CancellationError`.
    static func secret(_ question: String, at terminal: Int32 = STDIN_FILENO) throws -> Answer {
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else { return .noTerminal }
        let keys = withUnsafeBytes(of: before.c_cc) { Array($0) }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        withUnsafeMutableBytes(of: &silent.c_cc) {
            // These two end a line at once.
            ($0[Int(VEOL)], $0[Int(VEOL2)]) = (keys[Int(VINTR)], keys[Int(VSUSP)])
        }
        tcsetattr(terminal, TCSAFLUSH, &silent)
        defer {
            tcsetattr(terminal, TCSAFLUSH, &before)
            complain("")
        }
        complain(question)
        guard let line = line(from: terminal) else { return .ended }
        let cancels = [VINTR, VSUSP, VQUIT].map { keys[Int($0)] }.filter { $0 != 0 }
        guard !line.contains(where: cancels.contains) else { throw CancellationError() }
        return .typed(Secret(String(decoding: line, as: UTF8.self)))
    }

    /// What a terminal gives at once is one line. Nil at the end of its input.
    private static func line(from terminal: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count: Int
        repeat { count = read(terminal, &bytes, bytes.count) } while count < 0 && errno == EINTR
        guard count > 0 else { return nil }
        return bytes.prefix(count).filter { $0 != UInt8(ascii: "\n") }
    }

    /// In one write, if the other side takes it so.
    static func put(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            // Nobody reads any more, and there is nobody left to tell.
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }

    /// Columns padded to the widest cell of each. What a cell says cannot move the cursor.
    static func table(_ cells: [[String]]) -> String {
        let rows = cells.map { $0.map(Printable.escape) }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ").trimmedEnd()
        }
        .joined(separator: "\n")
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    func trimmedEnd() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
