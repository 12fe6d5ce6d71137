import COpenSSL
import Crypto
import FoundationEssentials
import Model

/// Closes bytes with a passphrase so that nobody without it can read or change them: AES-256-GCM
/// under a key of scrypt (RFC 7914).
///
/// Its measures are constants: what comes from a file can neither weaken the key nor ask for more
/// memory. Other measures would be another format.
public enum PassphraseBox {
    /// 128 MiB and about half a second a guess (OWASP Password Storage Cheat Sheet, 2023).
    private static let cost: UInt64 = 1 << 17
    private static let blockSize: UInt64 = 8
    private static let memoryMax: UInt64 = 256 << 20
    /// Nonce and tag, which come before and after the bytes.
    public static let overhead = 28

    /// `salt` has to be a new one each time. `context` stays readable, and cannot be changed
    /// either.
    public static func seal(
        _ bytes: [UInt8], passphrase: Secret, salt: [UInt8], context: [UInt8]
    ) throws -> [UInt8] {
        let box = try AES.GCM.seal(
            bytes, using: key(passphrase, salt: salt), authenticating: context)
        guard let combined = box.combined else {
            throw Failure(.failed, "sealing: the cipher gave nothing")
        }
        return [UInt8](combined)
    }

    /// Throws `unauthorized` unless `sealed` was made with this passphrase, salt and context.
    public static func open(
        _ sealed: some Collection<UInt8>, passphrase: Secret, salt: [UInt8], context: [UInt8]
    ) throws -> [UInt8] {
        do {
            let box = try AES.GCM.SealedBox(combined: Array(sealed))
            return [UInt8](
                try AES.GCM.open(box, using: key(passphrase, salt: salt), authenticating: context))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                .unauthorized, "opening the file: the passphrase is another one, or it was changed",
                fix: "give the passphrase that it was made with; if this is the one, take another "
                    + "copy of the file")
        }
    }

    private static func key(_ passphrase: Secret, salt: [UInt8]) throws -> SymmetricKey {
        let phrase = passphrase.reveal()
        var key = [UInt8](repeating: 0, count: 32)
        guard
            EVP_PBE_scrypt(
                phrase, phrase.utf8.count, salt, salt.count, cost, blockSize, 1, memoryMax, &key,
                key.count) == 1
        else {
            ERR_clear_error()
            throw Failure(
                .failed, "making a key of the passphrase: OpenSSL refused it",
                fix: "see that 256 MiB of memory are free")
        }
        return SymmetricKey(data: key)
    }
}
