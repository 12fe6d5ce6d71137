import Foundation
import Model
import Testing

@testable import Coordinator

@Suite struct ClusterSchemaTests {
    private let keys: [DocumentedKey]

    init() throws { keys = try DocumentedKey.all() }

    private func decoded(_ keys: [DocumentedKey]) -> ClusterSpec? {
        ClusterFile.read(DocumentedKey.file(of: keys), path: "jeeves.yaml").spec
    }

    @Test("every example of docs/cluster-file.md can be decoded, and only what is required must be")
    func examples() {
        for key in keys {
            let others = keys.filter { $0.path != key.path }
            #expect((decoded(others) == nil) == (key.standard == "required"), "\(key.path)")
        }
    }

    /// `JEEVES_WRITE_SCHEMA=1` writes it anew.
    @Test("docs/jeeves.schema.json is what the types and the document say")
    func file() throws {
        let rendered = try ClusterSchema.render(try #require(decoded(keys)), keys: keys)
        let file = document("jeeves.schema.json")
        if ProcessInfo.processInfo.environment["JEEVES_WRITE_SCHEMA"] != nil {
            try rendered.write(to: file, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: file, encoding: .utf8)
        #expect(written == rendered, "`make schema` writes it anew")
    }

    @Test("the document's second column is the kind of value that the types say")
    func kinds() throws {
        let rendered = try ClusterSchema.render(try #require(decoded(keys)), keys: keys)
        let schema = try JSON.decode(PlainValue.self, from: rendered.utf8, what: "the schema")
            .flat()
        for key in keys {
            let words = key.path.split(separator: ".").map { "properties.\($0)" }
            let place = words.joined(separator: ".")
            let kind =
                schema["\(place).type"] ?? (schema["\(place).enum"] == nil ? "" : "choice")
            #expect(Self.documented[key.kind] == kind, "\(key.path)")
        }
    }

    /// The document's words for a kind of value, and the schema's.
    private static let documented = [
        "text": "string", "path": "string", "URL": "string", "CIDR": "string",
        "number": "integer", "number or share": "[integer, string]",
        "yes or no": "boolean", "true or false": "boolean",
        "choice": "choice", "word": "choice",
        "list of text": "array", "list of choices": "array",
    ]
}
