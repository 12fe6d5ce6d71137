import Coordinator
import Glibc
import Model

/// Writes to the person: results to stdout, everything else to stderr.
enum Terminal {
    static func write(_ text: String) { put(text + "\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) { put(text + "\n", to: STDERR_FILENO) }

    /// Asks for a typed word; false unless exactly that was typed.
    static func confirm(
        _ question: String, word: String, typed: () -> String? = { readLine() }
    ) -> Bool {
        complain("\(question)\nType \(word) to go on:")
        return typed() == word
    }

    /// Asks for something that is not shown while it is typed; nil without a terminal.
    static func secret(_ question: String) -> Secret? {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            complain("")
        }
        complain(question)
        return readLine().map { Secret($0) }
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
