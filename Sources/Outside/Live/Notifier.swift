import CSystemd

/// Tells systemd how this service is (sd_notify(3)). Does nothing where systemd did not start us.
public enum Notifier {
    /// `Type=notify`: the service is up.
    public static func ready(_ status: String) { send("READY=1\nSTATUS=\(line(status))") }

    /// One line for `systemctl status`.
    public static func status(_ text: String) { send("STATUS=\(line(text))") }

    /// The watchdog's sign of life.
    public static func alive() { send("WATCHDOG=1") }

    public static func stopping() { send("STOPPING=1") }

    /// How often systemd wants a sign of life at least; nil if it does not watch.
    public static func watchdogInterval() -> Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    private static func send(_ state: String) { sd_notify(0, state) }

    /// A line break would begin another assignment.
    private static func line(_ text: String) -> String { LogText.escaped(text) }
}
