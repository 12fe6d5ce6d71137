/// The kind of key in a public certificate. Clients that know ECDSA are given it where both kinds
/// are there: its handshakes are cheaper. RSA is for clients that know nothing newer.
public enum KeyType: String, Codable, Hashable, Sendable, CaseIterable {
    case ecdsa, rsa

    /// Throws `invalid`, naming the kinds there are, for any other word.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let word = try container.decode(String.self)
        guard let type = KeyType(rawValue: word) else {
            let kinds = Self.allCases.map { "`\($0.rawValue)`" }.joined(separator: " or ")
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "no type of key",
                    underlyingError: Failure(
                        .invalid, "\"\(word.prefix(32))\" is no type of key; did you mean \(kinds)?"
                    )))
        }
        self = type
    }
}
