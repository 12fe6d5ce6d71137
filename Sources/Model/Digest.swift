/// A SHA-256 as 64 lower-case hexadecimal digits: of a spec, a package or a certificate.
public struct Digest: Name {
    public static let kind = "SHA-256"
    public static let rule = "64 lower-case hexadecimal digits"
    public static func isValid(_ text: String) -> Bool { isHexadecimal(text, digits: 64) }
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    /// Throws `invalid` unless `bytes` are 32.
    public init(bytes: some Collection<UInt8>) throws {
        try self.init(bytes.hexadecimal)
    }
}
