/// What to type so that a verb that was cut off goes on: the verb, its cluster, and whatever else
/// decides what it does. How that is shown, and --yes, are left to whoever types it.
struct Resumption {
    /// `jeeves up`.
    let verb: String
    private let words: [String]

    init(_ verb: String, of target: ProjectOptions, _ words: [String] = []) {
        self.verb = verb
        self.words = target.words + words
    }

    /// As a shell takes it.
    var text: String { ([verb] + words.map(Self.quoted)).joined(separator: " ") }

    /// An option that is left out where it was not typed.
    static func option(_ name: String, _ value: String?) -> [String] {
        value.map { [name, $0] } ?? []
    }

    static func flag(_ name: String, _ isSet: Bool) -> [String] { isSet ? [name] : [] }

    /// One word for any POSIX shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            let sign = Character(Unicode.Scalar(byte))
            return sign.isASCII && (sign.isLetter || sign.isNumber || "-_./:,@%+=".contains(sign))
        }
        return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
