import Glibc

/// What a standard stream leads to, and what that can do.
struct Screen: Sendable {
    let descriptor: Int32
    let isTerminal: Bool
    let environment: [String: String]

    static var output: Screen { Screen(STDOUT_FILENO) }
    static var errors: Screen { Screen(STDERR_FILENO) }

    private init(_ descriptor: Int32) {
        self.init(
            descriptor, isTerminal: isatty(descriptor) == 1, environment: Working.environment)
    }

    init(_ descriptor: Int32, isTerminal: Bool, environment: [String: String]) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal
        self.environment = environment
    }

    /// Whether the cursor can be moved.
    var canRedraw: Bool { isTerminal && !["", "dumb"].contains(environment["TERM"] ?? "") }

    /// https://no-color.org
    var hasColors: Bool { canRedraw && (environment["NO_COLOR"] ?? "").isEmpty }

    /// Whether a write would not wait: a person has not stopped it, and its reader keeps up.
    var isReady: Bool {
        var found = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&found, 1, 0) == 1 && found.revents & Int16(POLLOUT) != 0
    }

    /// Columns and rows as they are now; 80 and 24 where it does not say.
    var size: (width: Int, height: Int) {
        var found = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &found) == 0, found.ws_col > 0, found.ws_row > 0
        else { return (80, 24) }
        return (Int(found.ws_col), Int(found.ws_row))
    }
}
