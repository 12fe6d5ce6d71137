import Crypto
import Model

/// SHA-256 over bytes and documents.
public enum Hash {
    public static func sha256(_ bytes: some Sequence<UInt8>) -> Model.Digest {
        Model.Digest(unchecked: hex(SHA256.hash(data: Array(bytes))))
    }

    /// The digest of a value's JSON, which has one form only (``JSON``).
    public static func digest(of value: some Encodable) throws -> Model.Digest {
        sha256(try JSON.encode(value))
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
