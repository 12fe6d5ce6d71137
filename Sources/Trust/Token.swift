import Model
import Outside

/// A single-use enrolment token: a random secret that only its hash is kept of.
public enum Token {
    static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    static let letters = 52

    /// 52 letters of base32: 260 bits.
    public static func make(_ chance: any Chance) -> Secret {
        Secret(String(chance.bytes(letters).map { alphabet[Int($0) & 31] }))
    }

    /// What is stored and compared. Throws `unauthorized` unless `token` has the grammar of one, so
    /// nothing longer or stranger is ever hashed.
    public static func hash(_ token: Secret) throws -> Digest {
        let text = token.reveal()
        guard text.utf8.count == letters, text.allSatisfy({ alphabet.contains($0) }) else {
            throw Failure(
                .unauthorized, "reading an enrolment token: it is not one",
                fix: "make one with `jeeves token create NODE` and copy all of it")
        }
        return Hash.sha256(text.utf8)
    }
}
