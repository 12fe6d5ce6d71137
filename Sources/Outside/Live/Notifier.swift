import CSystemd

/// Tells systemd how this service is (sd_notify(3)). Does nothing where systemd did not start us.
public enum Notifier {
    /// `Type=notify`: the service is up. `status` is what `systemctl status` shows, one line: a
    /// break would begin another assignment.
    public static func ready(_ status: String) {
        send("READY=1\nSTATUS=\(LogText.escaped(status))")
    }

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
}
