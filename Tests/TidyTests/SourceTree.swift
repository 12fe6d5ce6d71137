import Model
import Outside
import Testing

/// The project's own files, found from where this file was compiled.
struct SourceTree {
    /// Folders that hold Swift code of ours.
    static let codeFolders = ["Sources", "agent", "coordinator", "Tests", "bench"]

    private let root: String
    private let files = World.live().files

    init(here: String = #filePath) {
        root = here.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    }

    /// All Swift files of ours, sorted by path; read once for all tests.
    static func swift() throws -> [SourceFile] { try all.get() }

    private static let all = Result {
        let tree = SourceTree()
        return try codeFolders.flatMap { try tree.paths(in: $0, ending: ".swift") }.map {
            SourceFile(path: $0, text: try tree.text($0))
        }
    }

    /// Whether there is something at a path relative to the root.
    func exists(_ path: String) throws -> Bool { try files.info("\(root)/\(path)") != nil }

    func text(_ path: String) throws -> String {
        try #require(try files.text("\(root)/\(path)", bytesMax: 4 << 20), "\(path) is not there")
    }

    /// Paths relative to the root. Hidden folders are not ours: `.build`, `.git`.
    func paths(in folder: String, ending suffix: String) throws -> [String] {
        let place = folder.isEmpty ? root : "\(root)/\(folder)"
        guard try files.info(place) != nil else { return [] }
        return try files.list(place).filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            switch try files.info("\(root)/\(path)")?.kind {
            case .directory: return try paths(in: path, ending: suffix)
            case .file: return name.hasSuffix(suffix) ? [path] : []
            default: return []
            }
        }
    }
}

/// One Swift file, as it is and as bare code.
struct SourceFile: Sendable {
    let path: String
    let lines: [Substring]
    /// The same lines with comments and the text of string literals blanked out.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The line break that ends a file begins no line.
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        code = BareCode.of(text).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
