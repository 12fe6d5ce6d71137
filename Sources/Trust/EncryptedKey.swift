import COpenSSL
import Model

/// Encrypts a private key with a passphrase, so that its file alone is worth nothing.
enum EncryptedKey {
    /// Rounds of PBKDF2 with HMAC-SHA-256 (OWASP Password Storage Cheat Sheet, 2023); OpenSSL's own
    /// 2048 are of another decade.
    static let rounds: Int32 = 600_000

    /// PKCS#8 with AES-256 (PBES2, RFC 8018). Throws `invalid` if the passphrase is empty,
    /// `failed` if OpenSSL refuses.
    static func pem(_ der: some Collection<UInt8>, passphrase: Secret) throws -> String {
        guard !passphrase.reveal().isEmpty else {
            throw Failure(.invalid, "encrypting the root key: the passphrase is empty")
        }
        let bytes = Array(der)
        let key = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var start = buffer.baseAddress
            return d2i_AutoPrivateKey(nil, &start, buffer.count)
        }
        defer { EVP_PKEY_free(key) }
        let phrase = passphrase.reveal()
        let plain = key.flatMap { EVP_PKEY2PKCS8($0) }
        defer { PKCS8_PRIV_KEY_INFO_free(plain) }
        let encrypted = plain.flatMap {
            PKCS8_encrypt(
                -1, EVP_aes_256_cbc(), phrase, Int32(phrase.utf8.count), nil, 0, rounds, $0)
        }
        defer { X509_SIG_free(encrypted) }
        let output = BIO_new(BIO_s_mem())
        defer { BIO_free_all(output) }
        guard let encrypted, PEM_write_bio_PKCS8(output, encrypted) == 1 else {
            throw Failure(.failed, "encrypting the root key: OpenSSL refused it")
        }
        var text = [UInt8](repeating: 0, count: 16 << 10)
        let count = BIO_read(output, &text, Int32(text.count))
        return String(decoding: text.prefix(Int(max(count, 0))), as: UTF8.self)
    }
}
