import FoundationEssentials
import Model
import Outside

/// What a CA answers when it is asked about one certificate's renewal (RFC 9773).
public struct RenewalInfo: Sendable, Hashable {
    public let window: RenewalWindow
    /// Where a person reads why; nil if the CA does not say.
    public let explanation: String?

    /// RFC 9773 §4.3.2: less than a minute and more than a day are not taken literally.
    public static let retryMin = Duration.seconds(60)
    public static let retryMax = Duration.seconds(86_400)

    private struct Document: Decodable {
        struct Window: Decodable {
            var start: String
            var end: String
        }
        var suggestedWindow: Window
        var explanationURL: String?
    }

    /// Throws `unavailable` for another status than 200, `invalid` if it is no renewal information.
    public init(_ response: HTTPResponse) throws {
        let what = "the CA's renewal information"
        guard response.status == 200 else {
            throw Failure(.unavailable, "reading \(what): status \(response.status)")
        }
        let document = try JSON.decode(Document.self, from: response.body, what: what)
        guard let start = Self.date(document.suggestedWindow.start),
            let end = Self.date(document.suggestedWindow.end)
        else { throw Failure(.invalid, "reading \(what): its window has no times") }
        window = RenewalWindow(start: start, end: end)
        explanation = document.explanationURL.flatMap { try? HTTPSAddress($0).description }
    }

    /// The name under which the CA knows a certificate (RFC 9773 §4.1): the authority's key
    /// identifier and the serial number as DER writes it, both from hexadecimal.
    public static func identifier(authorityKeyHex: String, serialHex: String) -> String {
        let serial = bytes(ofHex: serialHex).drop { $0 == 0 }
        // A positive INTEGER whose first bit is set gets a zero before it (X.690 §8.3).
        let isMarked = (serial.first ?? 0) < 0x80
        let number = isMarked && !serial.isEmpty ? Array(serial) : [0] + serial
        return base64URL(bytes(ofHex: authorityKeyHex)) + "." + base64URL(number)
    }

    /// When the CA wants to be asked again; nil if it does not say.
    public static func retryAfter(in response: HTTPResponse) -> Duration? {
        response.headers["retry-after"].flatMap {
            HTTPDate.delay($0, after: response.headers["date"])
        }.map { max(retryMin, min(retryMax, $0)) }
    }

    /// RFC 3339; fractions of a second are cut off.
    private static func date(_ text: String) -> Date? {
        guard text.utf8.count <= 64, let point = text.firstIndex(of: ".") else {
            return try? Date(text, strategy: .iso8601)
        }
        let zone = text[point...].dropFirst().drop { $0.isNumber }
        return try? Date(String(text[..<point] + zone), strategy: .iso8601)
    }

    private static func bytes(ofHex text: String) -> [UInt8] {
        let digits = text.count.isMultiple(of: 2) ? Array(text) : ["0"] + Array(text)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().filter { $0 != "=" }
            .replacing("+", with: "-").replacing("/", with: "_")
    }
}

/// The span of time in which a CA wants a certificate replaced.
public struct RenewalWindow: Codable, Hashable, Sendable {
    public let start: Date
    public let end: Date

    private static let slack = Duration.seconds(86_400)

    public init(start: Date, end: Date) { (self.start, self.end) = (start, end) }

    /// Whether it makes sense for a certificate that began at `beginning` and must be renewed by
    /// `latest`. Throws `invalid` with the first reason why not.
    ///
    /// A window in the past makes sense: the CA revokes what it issued and wants it replaced now.
    /// Such a window is near to the CA's own time, so one that was over long before the certificate
    /// began means nothing, and its successor would get the same.
    public func judge(beginning: Date, latest: Date) throws {
        let tried = "judging the CA's window \(self)"
        guard start < end else { throw Failure(.invalid, "\(tried): it ends before it starts") }
        guard end > beginning.addingTimeInterval(-Self.slack.seconds) else {
            throw Failure(.invalid, "\(tried): it was over long before the certificate began")
        }
        guard start < latest else {
            throw Failure(.invalid, "\(tried): it leaves no time for a second try")
        }
        guard end.timeIntervalSince(start) <= latest.timeIntervalSince(beginning) else {
            throw Failure(.invalid, "\(tried): it is wider than the certificate's life")
        }
    }

    /// A time inside it, and not after `latest`: its start for a `share` of 0, its end for 1.
    public func moment(at share: Double, latest: Date) -> Date {
        let end = max(start, min(end, latest))
        return start.addingTimeInterval(end.timeIntervalSince(start) * share)
    }
}

extension RenewalWindow: CustomStringConvertible {
    public var description: String {
        "\(start.formatted(.iso8601)) to \(end.formatted(.iso8601))"
    }
}
