import FoundationEssentials
import Model

/// Takes out of a text what must not leave this machine: secrets that are known by their value,
/// however they are written there, and whatever has the shape of one. Rather too much than too
/// little goes.
struct Redactor: Sendable {
    static let mark = "[redacted]"
    /// A shorter secret is found by its shape only: taken out everywhere, it would leave no text.
    static let bytesMin = 6

    /// Every way in which a known secret may stand there, by its first byte, the longest first.
    private let known: [UInt8: [[UInt8]]]

    init(_ secrets: [Secret]) {
        let forms = Set(secrets.flatMap { Self.forms(of: $0.reveal()) }.map { Array($0.utf8) })
        known = Dictionary(
            grouping: forms.filter { $0.count >= Self.bytesMin }.sorted { $0.count > $1.count },
            by: { $0[0] })
    }

    func clean(_ text: String) -> String { Self.withoutShapes(withoutKnown(text)) }

    private func withoutKnown(_ text: String) -> String {
        guard !known.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var cleaned: [UInt8] = []
        cleaned.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if let found = known[bytes[index]]?.first(where: { bytes[index...].starts(with: $0) }) {
                cleaned += Self.mark.utf8
                index += found.count
            } else {
                cleaned.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: cleaned, as: UTF8.self)
    }

    /// As it is, as JSON writes it, also that of Go, and as Kubernetes writes it.
    private static func forms(of secret: String) -> [String] {
        let quoted =
            (try? JSON.encode(secret)).map {
                String(decoding: $0.dropFirst().dropLast(), as: UTF8.self)
            } ?? secret
        let html = quoted.replacing("&", with: "\\u0026").replacing("<", with: "\\u003c")
            .replacing(">", with: "\\u003e")
        return [secret, quoted, html, Data(secret.utf8).base64EncodedString()]
    }
}

/// Secrets that nobody told us of. Strangers choose what stands in a log, so no pattern may take
/// longer than in proportion to the text: there is one way only to read each part of it.
extension Redactor {
    private static func withoutShapes(_ text: String) -> String {
        withoutValues(withoutKeys(text))
    }

    private static func withoutKeys(_ text: String) -> String {
        let end = /(?:-----END [A-Z ]*PRIVATE KEY-----|\z)/
        let key = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
        var (left, cleaned) = (text[...], "")
        while let begin = left.firstMatch(of: key) {
            cleaned += left[..<begin.range.lowerBound] + mark
            left = left[begin.range.upperBound...]
            left = left[(left.firstMatch(of: end)?.range.upperBound ?? left.endIndex)...]
        }
        // AWS's key ids.
        return withoutTokens(
            (cleaned + left).replacing(/(?:AKIA|ASIA)[A-Z0-9]{16}/) { _ in mark })
    }

    /// Without JSON Web Tokens (RFC 7519): three parts in base64, of which the first begins with a
    /// JSON object.
    private static func withoutTokens(_ text: String) -> String {
        var (left, cleaned) = (text[...], "")
        while let begin = left.firstRange(of: "eyJ") {
            let header = part(of: left[begin.lowerBound...])
            let claims = part(of: left[header.endIndex...].dropFirst())
            let isToken =
                header.count >= 13 && !claims.isEmpty && left[header.endIndex...].first == "."
                && left[claims.endIndex...].first == "."
            cleaned += left[..<begin.lowerBound] + (isToken ? mark[...] : header)
            let end = isToken ? part(of: left[claims.endIndex...].dropFirst()) : header
            left = left[end.endIndex...]
        }
        return cleaned + left
    }

    /// As far as `text` begins with base64 as URLs have it.
    private static func part(of text: Substring) -> Substring {
        text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    private static func withoutValues(_ text: String) -> String {
        let text =
            text
            // Credentials of a URL, and MicroK8s' join tickets. A name ends at the first colon.
            .replacing(/:\/\/[^\/\s@:]*:[^\/\s@]+@/) { _ in "://\(mark)@" }
            .replacing(/:25000\/[A-Za-z0-9]+(?:\/[A-Za-z0-9]+)?/) { _ in ":25000/\(mark)" }
            .replacing(/(?i)(bearer\s+|basic\s+|--token[= ])[A-Za-z0-9._~+\/=\-]{12,}/) {
                "\($0.1)\(mark)"
            }
        return withoutNamed(text)
    }
}
