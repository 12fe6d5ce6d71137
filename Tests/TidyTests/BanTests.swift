import Testing

/// Something that code of ours must not say, and what it says instead.
struct Ban: CustomTestStringConvertible {
    let word: String
    let instead: String
    /// Folders in which it is allowed.
    let home: [String]
    /// What in the same line makes it right.
    var unless: String?
    var exemptions: [Exemption] = []

    var testDescription: String { word }

    func findings(in files: [SourceFile]) -> [Finding] {
        files.filter { file in !home.contains { file.path.hasPrefix($0) } }.flatMap { file in
            zip(1..., file.code).filter { $1.saysWord(word) && !$1.excuses(unless) }.map {
                line, _ in
                Finding(path: file.path, line: line, message: "`\(word)`: \(instead)")
            }
        }
    }
}

extension Substring {
    /// Whether `word` stands here and is not the end of a longer name.
    func saysWord(_ word: String) -> Bool {
        let (line, word) = (Array(utf8), Array(word.utf8))
        guard let first = word.first, line.count >= word.count else { return false }
        return (0...line.count - word.count).contains { at in
            guard line[at] == first, line[at...].starts(with: word) else { return false }
            return at == 0 || !first.isNamePart || !line[at - 1].isNamePart
        }
    }
}

extension Substring {
    fileprivate func excuses(_ word: String?) -> Bool { word.map(contains) ?? false }
}

extension UInt8 {
    /// Whether this byte can stand in a name; of other alphabets any byte can.
    var isNamePart: Bool {
        switch Unicode.Scalar(self) {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "\u{80}"...: true
        default: false
        }
    }
}

struct BanTests {
    /// The lab is a program of its own, which drives the machine itself.
    private static let live = ["Sources/Outside/Live/", "Tests/Lab/"]
    private static let testing = ["Tests/"]

    static let bans = [
        Ban(word: "Process(", instead: "use world.processes.run", home: live),
        Ban(word: "FileManager", instead: "use world.files", home: live),
        Ban(
            word: "Date()", instead: "use world.clock.now()", home: live,
            exemptions: [
                Exemption("Tests/WireTests/Stand.swift", "TLS checks dates by the real clock")
            ]),
        Ban(word: "Date.now", instead: "use world.clock.now()", home: live),
        Ban(word: "Task.sleep", instead: "use world.clock.sleep or poll", home: live),
        Ban(word: ".random(", instead: "use world.chance", home: live, unless: "using:"),
        Ban(word: "SystemRandomNumberGenerator", instead: "use world.chance", home: live),
        Ban(
            word: "print(", instead: "use a Logger, or Terminal in Commands",
            home: ["coordinator/Commands/", "Tests/Lab/", "bench/"]),
        Ban(word: "fatalError(", instead: "throw a Failure, or precondition", home: testing),
        Ban(word: "try!", instead: "throw on", home: testing),
        Ban(word: "as!", instead: "use as? and say what happens else", home: testing),
        Ban(word: "unsafeBitCast", instead: "find the typed way", home: []),
        Ban(word: "@unchecked", instead: "use a Mutex or an actor", home: []),
    ]

    private let files: [SourceFile]

    init() throws { files = try SourceTree.swift() }

    @Test("what goes around the World, or around errors, is not used", arguments: bans)
    func words(ban: Ban) { expect(ban.findings(in: files), exempting: ban.exemptions) }

    @Test("no type is named after nothing in particular")
    func typeNames() {
        let suffixes = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities", "Base"]
        let kinds: Set<Substring> = ["class", "struct", "enum", "actor", "protocol", "typealias"]
        expect(
            files.flatMap { file in
                zip(1..., file.code).compactMap { number, line -> Finding? in
                    let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                    guard let kind = words.firstIndex(where: kinds.contains),
                        let name = words.dropFirst(kind + 1).first,
                        let suffix = suffixes.first(where: name.hasSuffix)
                    else { return nil }
                    return Finding(
                        path: file.path, line: number,
                        message: "\(name): say what it is instead of \(suffix)")
                }
            })
    }

    @Test("nothing is left for later and no machine's paths are in the code")
    func leftovers() {
        // Put together, so that this file does not hold them.
        let marks = [
            "TO" + "DO", "FIX" + "ME", "HA" + "CK", "/wo" + "rk/", "/fa" + "rm/",
        ]
        expect(
            files.flatMap { file in
                zip(1..., file.lines).compactMap { number, line in
                    marks.first { line.contains($0) }.map {
                        Finding(path: file.path, line: number, message: "\($0): do it or drop it")
                    }
                }
            })
    }

    @Test("prose and string literals break no ban, interpolated code does")
    func bareCode() {
        let file = SourceFile(
            path: "a.swift",
            text: #"""
                // Date() in prose
                let a = "Date() \(Date())"
                /* /* Date() */ Date() */ let b = """
                    Date() " \("x" + y(")"))
                    """ + String(validDate())
                """#)
        let ban = Ban(word: "Date()", instead: "use world.clock.now()", home: [])
        #expect(ban.findings(in: [file]).map(\.line) == [2])
    }
}
