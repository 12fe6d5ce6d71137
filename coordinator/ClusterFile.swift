import Model
import Yams

/// Reads the cluster file, `jeeves.yaml`, and says everything that is wrong with it at once, with
/// line and column. Never touches the network.
public enum ClusterFile {
    static let bytesMax = 1 << 20

    /// Throws `invalid` with one line a problem.
    public static func decode(_ text: String, path: String) throws -> ClusterSpec {
        let (spec, problems) = read(text, path: path)
        guard let spec, problems.isEmpty else {
            throw Failure(
                .invalid,
                "reading \(path): \(problems.count) "
                    + (problems.count == 1 ? "problem" : "problems") + "\n"
                    + problems.map { "  \($0)" }.joined(separator: "\n"),
                fix: "edit \(path) and run `jeeves validate`")
        }
        return spec
    }

    /// Values of the example that a right file still has, one line each. Throws as `decode` does.
    public static func placeholders(in text: String, path: String) throws -> [String] {
        let found = try decode(text, path: path).placeholders()
        guard let root = try compose(yaml: text) else { return [] }
        return found.map { line(for: $0, in: root, path: path) }
    }

    /// The spec, if it could be decoded, and all problems found.
    static func read(_ text: String, path: String) -> (spec: ClusterSpec?, problems: [String]) {
        guard text.utf8.count <= bytesMax else {
            return (nil, ["\(path):1:1: larger than \(UInt64(bytesMax).sizeText)"])
        }
        let root: Node
        do {
            let parser = try Parser(yaml: text)
            guard let node = try parser.singleRoot() else {
                return (nil, ["\(path):1:1: it is empty"])
            }
            // A node refers to its anchor weakly: the parser has it.
            if let place = withExtendedLifetime(parser, { anchor(in: node) }) {
                return (
                    nil,
                    ["\(path):\(place): anchors and aliases (&, *) are not supported: write it out"]
                )
            }
            root = node
        } catch {
            return (nil, ["\(path):\(syntax(error))"])
        }
        let unknown = unknownKeys(in: root, of: ClusterSpec.self, path: path)
        do {
            let spec = try YAMLDecoder().decode(ClusterSpec.self, from: root)
            let broken = spec.problems().map { line(for: $0, in: root, path: path) }
            return (spec, unknown + broken)
        } catch {
            return (nil, unknown + [sentence(for: error, in: root, path: path)])
        }
    }

    private static func line(
        for problem: ClusterSpec.Problem, in root: Node, path: String
    ) -> String {
        let place = mark(of: problem.path.split(separator: ".").map(String.init), in: root)
        return "\(path):\(place): \(problem.path): \(problem.message) (\(problem.fix))"
    }

    /// Where the text is no YAML, and why.
    private static func syntax(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(mark.line):\(mark.column): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            "\(context.mark.line):\(context.mark.column): written twice: "
                + keys.joined(separator: ", ")
        default: "1:1: \(oneLine("\(error)"))"
        }
    }

    private static func sentence(for error: any Error, in root: Node, path: String) -> String {
        guard let error = error as? DecodingError else {
            return "\(path):1:1: \(oneLine("\(error)"))"
        }
        let keys =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context), .keyNotFound(_, let context):
                context.codingPath.map(\.stringValue)
            @unknown default: [String]()
            }
        return "\(path):\(mark(of: keys, in: root)): \(error.sentence)"
    }

    /// `line:column` of the value at `keys`, or of its nearest parent.
    private static func mark(of keys: [String], in root: Node) -> String {
        var node = root
        for key in keys {
            guard let child = node.mapping?[Node(key)] ?? Int(key).flatMap({ node.sequence?[$0] })
            else { break }
            node = child
        }
        return node.mark.map { "\($0.line):\($0.column)" } ?? "1:1"
    }

    private static func unknownKeys(
        in node: Node, of section: any Section.Type, path: String, under prefix: String = ""
    ) -> [String] {
        guard let mapping = node.mapping else { return [] }
        return mapping.flatMap { key, value -> [String] in
            let name = key.string ?? ""
            let place = key.mark.map { "\($0.line):\($0.column)" } ?? "1:1"
            guard section.keys.contains(name) else {
                let meant = nearest(to: name, in: section.keys).map { "; did you mean `\($0)`?" }
                return ["\(path):\(place): \(prefix)\(name): unknown key\(meant ?? "")"]
            }
            guard let inner = section.section(name) else { return [] }
            return unknownKeys(in: value, of: inner, path: path, under: "\(prefix)\(name).")
        }
    }

    /// The key at an edit distance of at most two (Levenshtein), if there is one.
    static func nearest(to word: String, in keys: [String]) -> String? {
        keys.map { (key: $0, distance: distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= min(2, word.count / 2) }
            .min { $0.distance < $1.distance }?.key
    }

    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, letter) in left.prefix(64).enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let insertion = min(row[j], row[j + 1]) + 1
                let substitution = diagonal + (letter == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(insertion, substitution)
            }
        }
        return row[right.count]
    }

    /// Where the first anchor is. They allow a small file to expand without bound, and no cluster
    /// file needs them. An alias without one before it is no YAML.
    private static func anchor(in node: Node) -> Mark? {
        if node.anchor != nil { return node.mark }
        // What an alias repeats comes after its anchor, so nothing is looked at twice.
        for (key, value) in node.mapping ?? [:] {
            if let found = anchor(in: key) ?? anchor(in: value) { return found }
        }
        for element in node.sequence ?? [] {
            if let found = anchor(in: element) { return found }
        }
        return nil
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
