import Coordinator
import FoundationEssentials
import Outside
import Synchronization

/// Draws a rollout at the end of the terminal, over what it drew before.
///
/// The cursor is never hidden and rests below the picture, so nothing has to be restored, however
/// the process ends. Each change is one write. While a person has stopped the terminal (Ctrl-S)
/// nothing is written: who tells what happens must not wait for them.
final class LiveScreen: ProgressWriter {
    /// Of lines that wait for the terminal the newest are kept.
    static let unsaidMax = 1000

    private struct State: Sendable {
        var drawing = LiveDrawing()
        /// Lines that stay and that the terminal did not take yet.
        var unsaid: [String] = []
        /// What is on the screen now.
        var picture: [String] = []
        var isClosed = false
        var ticking: Task<Void, any Error>?
    }

    private let state = Mutex(State())
    private let hasColors: Bool
    private let now: @Sendable () -> Date
    private let size: @Sendable () -> (width: Int, height: Int)
    private let isReady: @Sendable () -> Bool
    private let put: @Sendable (String) -> Void

    init(
        hasColors: Bool, now: @escaping @Sendable () -> Date,
        size: @escaping @Sendable () -> (width: Int, height: Int),
        isReady: @escaping @Sendable () -> Bool, put: @escaping @Sendable (String) -> Void
    ) {
        self.hasColors = hasColors
        self.now = now
        self.size = size
        self.isReady = isReady
        self.put = put
    }

    /// On standard error, until it is closed.
    static func open(hasColors: Bool, _ clock: any Clocks) -> LiveScreen {
        let screen = Screen.errors
        let live = LiveScreen(
            hasColors: hasColors, now: { clock.now() }, size: { screen.size },
            isReady: { screen.isReady }, put: { Terminal.put($0, to: screen.descriptor) })
        let ticking = Task { [weak live] in
            while let live {
                live.draw()
                try await clock.sleep(.milliseconds(125), op: "terminal.tick")
            }
        }
        live.state.withLock { $0.ticking = ticking }
        return live
    }

    func note(_ progress: RolloutProgress) {
        update { [now] in $0.drawing.note(progress, now: now()) }
    }

    func say(_ line: String) { update { _ in [line] } }

    /// Time has passed, or the window has another size.
    func draw() { update { _ in [] } }

    func close() {
        update { state in
            state.isClosed = true
            state.ticking?.cancel()
            return []
        }
    }

    /// Writes the lines that stay in place of the old picture, and the new one below; or keeps them
    /// until the terminal takes them, or it is closed.
    private func update(_ change: @Sendable (inout State) -> [String]) {
        state.withLock { state in
            state.unsaid = Array((state.unsaid + change(&state)).suffix(Self.unsaidMax))
            guard state.isClosed || isReady() else { return }
            let lines = state.unsaid
            state.unsaid = []
            let (width, height) = size()
            let picture =
                state.isClosed
                ? [] : state.drawing.picture(now: now(), width: width, height: height - 1)
            guard !lines.isEmpty || picture != state.picture else { return }
            // A terminal that got narrower has broken the old lines anew.
            let rows = state.picture.reduce(0) { $0 + max(1, Self.rows(of: $1, width)) }
            state.picture = picture
            let up = rows > 0 ? "\u{1b}[\(rows)A\r" : ""
            let shown = lines.map { hasColors ? StateWords.paintMark($0) : $0 }
            // Lines that stay may be longer than the window, so what is old goes first.
            let first = lines.isEmpty ? "" : "\u{1b}[J"
            put(
                up + first + shown.map { "\($0)\n" }.joined()
                    + picture.map { "\($0)\u{1b}[K\n" }.joined() + "\u{1b}[J")
        }
    }

    private static func rows(of line: String, _ width: Int) -> Int {
        (Columns.count(line) + width - 1) / width
    }
}
