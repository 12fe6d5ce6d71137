import Testing

struct SizeTests {
    private static let fileLinesMax = 400
    private static let lineColumnsMax = 100
    private static let functionLinesMax = 70

    private let files: [SourceFile]

    init() throws { files = try SourceTree.swift() }

    @Test("no file is longer than 400 lines")
    func fileLengths() {
        expect(
            files.filter { $0.lines.count > Self.fileLinesMax }.map {
                Finding(
                    path: $0.path, line: $0.lines.count,
                    message: "\($0.lines.count) lines: split it by what its parts are for")
            })
    }

    @Test("no line is longer than 100 columns")
    func lineLengths() {
        expect(
            files.flatMap { file in
                zip(1..., file.lines).filter { number, line in
                    line.count > Self.lineColumnsMax && !file.isRecorded(number)
                }.map {
                    Finding(path: file.path, line: $0, message: "\($1.count) columns: break it")
                }
            })
    }

    @Test("no function is longer than 70 lines")
    func functionLengths() {
        expect(
            files.flatMap { file in
                Functions(in: file).all.filter { $0.lines > Self.functionLinesMax }.map {
                    Finding(
                        path: file.path, line: $0.line,
                        message: "a function of \($0.lines) lines: give its parts names")
                }
            })
    }

    @Test("the measure finds bodies, and takes none for a requirement without one")
    func functionMeasure() {
        let file = SourceFile(
            path: "a.swift",
            text: """
                protocol P {
                    func a(_ x: Int) -> Int
                    init(b: Int)
                }
                func c(
                    _ done: () -> Void = { }
                ) {
                    if true { print("}") }
                }
                """)
        #expect(Functions(in: file).all.map(\.line) == [5])
        #expect(Functions(in: file).all.map(\.lines) == [5])
    }
}

extension SourceFile {
    /// Whether a line of a test is nothing but a literal: what another program printed cannot be
    /// broken.
    fileprivate func isRecorded(_ number: Int) -> Bool {
        path.hasPrefix("Tests/") && !code[number - 1].utf8.contains(where: \.isNamePart)
            && !lines[number - 1].contains("//")
    }
}

/// The functions of a file with their lengths, by counting brackets.
struct Functions {
    private(set) var all: [(line: Int, lines: Int)] = []

    init(in file: SourceFile) {
        let tokens = Self.tokens(of: file)
        for (index, token) in tokens.enumerated()
        where ["func", "init", "deinit"].contains(token.text) {
            // `.init(` and `self.init(` are calls.
            if index > 0, tokens[index - 1].text == "." { continue }
            guard let end = Self.bodyEnd(tokens[(index + 1)...]) else { continue }
            all.append((token.line, end - token.line + 1))
        }
    }

    /// The line of the bracket that ends the body of the function whose name comes first.
    private static func bodyEnd(_ tokens: ArraySlice<(text: String, line: Int)>) -> Int? {
        var (round, curly) = (0, 0)
        for token in tokens {
            switch token.text {
            case "(", "[": round += 1
            case ")", "]": round -= 1
            case "{" where round == 0: curly += 1
            case "}" where round == 0:
                // The end of the protocol came before any body.
                guard curly > 0 else { return nil }
                curly -= 1
                if curly == 0 { return token.line }
            case "func", "init", "var", "let", "case", "static":
                if curly == 0 && round == 0 { return nil }
            default: break
            }
        }
        return nil
    }

    private static func tokens(of file: SourceFile) -> [(text: String, line: Int)] {
        zip(1..., file.code).flatMap { number, line in
            var tokens: [(String, Int)] = []
            var word: [UInt8] = []
            for byte in Array(line.utf8) + [UInt8(ascii: " ")] {
                if byte.isNamePart {
                    word.append(byte)
                    continue
                }
                if !word.isEmpty { tokens.append((String(decoding: word, as: UTF8.self), number)) }
                word = []
                if byte != UInt8(ascii: " ") {
                    tokens.append((String(Unicode.Scalar(byte)), number))
                }
            }
            return tokens
        }
    }
}
