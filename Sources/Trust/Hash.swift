import Crypto
import Model

/// SHA-256 over bytes and documents.
public enum Hash {
    public static func sha256(_ bytes: some Sequence<UInt8>) -> Model.Digest {
        Model.Digest(unchecked: SHA256.hash(data: Array(bytes)).hexadecimal)
    }

    /// The digest of a value's JSON, which has one form only (``JSON``).
    public static func digest(of value: some Encodable) throws -> Model.Digest {
        sha256(try JSON.encode(value))
    }
}
