import Foundation
import Model
import Synchronization

@testable import Coordinator

/// The text of a golden file beside the tests.
func golden(_ name: String) throws -> String {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/\(name)")
    return try String(contentsOf: path, encoding: .utf8)
}

/// Examples that were read, by their edits: some tests want the same one again and again.
private let examples = Mutex<[[String]: ClusterSpec]>([:])

/// The commented example, with what a test changes in its text.
func exampleCluster(_ edits: [(String, String)] = []) throws -> ClusterSpec {
    let key = edits.flatMap { [$0.0, $0.1] }
    if let known = examples.withLock({ $0[key] }) { return known }
    let spec = try readExample(edits)
    examples.withLock { $0[key] = spec }
    return spec
}

private func readExample(_ edits: [(String, String)]) throws -> ClusterSpec {
    let text = Example.render(
        Founding.Values(
            cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
            email: "ops@example.org", region: "eu-central-1"))
    let edited = edits.reduce(text) { $0.replacing($1.0, with: $1.1) }
    return try ClusterFile.decode(edited, path: "jeeves.yaml")
}

/// Edit that makes the example use the chart's own MongoDB.
let bundledEdit = (
    """
        external:
          # File with the URI of a replica set, mode 0600.
          uriFile: mongodb.uri
          # Image with mongosh, which looks at the database before Helm runs; "" to skip it.
          clientImage: mongo:8.2

    """, "    bundled: {}\n"
)

/// The same with the last version that may.
let bundledEdits = [
    ("version: 8.6.1", "version: 7.10.4"), ("streamHub: false", "streamHub: true"), bundledEdit,
]
