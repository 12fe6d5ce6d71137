import FoundationEssentials

/// The one form of date that HTTP servers send (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    /// As they are spelled, in their order.
    public static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Nil if it is not of that form.
    public static func parse(_ text: String) -> Date? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].count == 2, words[3].count == 4,
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month + 1
        let stamp = "\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z"
        return try? Date(stamp, strategy: .iso8601)
    }

    /// How long a `Retry-After` asks to wait (RFC 9110 §10.2.3): a number of seconds, or a date. A
    /// date is measured from the answer's own `Date`, so that no clock of ours is in it. Nil if it
    /// is neither, or a date beside none.
    public static func delay(
        _ retryAfter: some StringProtocol, after date: (some StringProtocol)?
    ) -> Duration? {
        if let seconds = Int(retryAfter) { return seconds < 0 ? nil : .seconds(seconds) }
        guard let until = parse(String(retryAfter)),
            let answered = date.flatMap({ parse(String($0)) })
        else { return nil }
        return .seconds(max(0, until.timeIntervalSince(answered)))
    }
}
