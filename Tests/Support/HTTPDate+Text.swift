import FoundationEssentials
import Tools

extension HTTPDate {
    /// As a server sends it, but for the day of the week, which is always the same.
    public static func text(_ date: Date) -> String {
        let parts = date.formatted(.iso8601).split { "-TZ".contains($0) }
        let month = Int(parts[1]).map { months[$0 - 1] } ?? ""
        return "Thu, \(parts[2]) \(month) \(parts[0]) \(parts[3]) GMT"
    }
}
