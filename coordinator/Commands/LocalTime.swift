import ArgumentParser
import Coordinator
import FoundationEssentials
import Glibc
import Model

/// Times as the person's own clock shows them.
struct LocalTime: Hashable {
    /// Seconds east of UTC.
    let offset: Int

    /// The zone of this machine (`TZ`, /etc/localtime) at that time.
    static func here(at time: Date) -> LocalTime {
        var seconds = time_t(time.timeIntervalSince1970)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return LocalTime(offset: parts.tm_gmtoff)
    }

    /// `2026-11-27 02:04:05`.
    func text(_ time: Date) -> String {
        String((time + Double(offset)).formatted(.iso8601).prefix(19)).replacing("T", with: " ")
    }

    /// `UTC`, `UTC+02:00`.
    var name: String {
        guard offset != 0 else { return "UTC" }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = abs(offset) / 60
        return "UTC\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }

    /// The first moment of the day that `time` is in.
    func midnight(before time: Date) -> Date {
        let seconds = Int(time.timeIntervalSince1970.rounded(.down)) + offset
        let day = seconds - (seconds % 86_400 + 86_400) % 86_400
        return Date(timeIntervalSince1970: Double(day - offset))
    }
}

/// A time that has passed, as a person types it: RFC 3339, `02:05` of today, or `2h` ago.
enum PastTime: Hashable {
    case date(Date)
    case today(minutes: Int)
    case ago(Duration)

    /// Throws a `ValidationError` with the ways to write one.
    init(_ text: String) throws {
        if let date = try? Date(text.uppercased(), strategy: .iso8601) {
            self = .date(date)
        } else if let minutes = Self.minutes(text) {
            self = .today(minutes: minutes)
        } else if let age = Age(text) {
            self = .ago(age.duration)
        } else {
            throw ValidationError(
                "a time is 2026-11-27T02:05:00Z, 02:05 for today, or 2h for two hours ago.")
        }
    }

    /// Throws `invalid` for a time that is still to come.
    func date(now: Date, in zone: LocalTime) throws -> Date {
        let date =
            switch self {
            case .date(let date): date
            case .today(let minutes): zone.midnight(before: now) + Double(minutes * 60)
            case .ago(let duration): now - duration.seconds
            }
        guard date <= now else {
            throw Failure(
                .invalid, "looking back to \(zone.text(date)) \(zone.name): that is still to come",
                fix: "write the day too, as \(now.formatted(.iso8601))")
        }
        return date
    }

    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isNumber) }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }
}
