import Model
import Testing

@testable import Coordinator

@Suite struct RenderedReleaseTests {
    private static let uri = Secret("mongodb://anna:s3cret@db/rocketchat")

    private func object(_ kind: String, _ name: String, _ rest: String = "") -> String {
        "---\n# Source: chart\nkind: \(kind)\nmetadata:\n  name: \(name)\n\(rest)"
    }

    private func changes(_ old: String, _ new: String) throws -> [Change] {
        try RenderedRelease(old, secrets: [Self.uri]).changes(
            to: RenderedRelease(new, secrets: [Self.uri]))
    }

    private func chat(image: String, replicas: Int = 1) -> String {
        object(
            "Deployment", "chat",
            "spec:\n  replicas: \(replicas)\n  template:\n    image: \(image)\n")
    }

    @Test("objects are compared one by one, whatever their order, their comments and their quotes")
    func same() throws {
        let (one, two) = (object("Service", "a", "spec: {port: 80}\n"), chat(image: "x"))
        #expect(try changes(one + two, two + one.replacing("chart", with: "other")).isEmpty)
        #expect(try changes(one, one.replacing("{port: 80}", with: "\n  port: 80")).isEmpty)
    }

    @Test("what is new, what goes and what changes is told, with what it means")
    func differs() throws {
        let found = try changes(
            chat(image: "x") + object("PersistentVolumeClaim", "data") + object("Service", "a"),
            chat(image: "y") + object("Service", "b"))
        #expect(
            found.map(\.subject) == [
                "deployment/chat", "persistentvolumeclaim/data", "service/a", "service/b",
            ])
        #expect(found.map(\.action) == [.update, .delete, .delete, .create])
        #expect(found.map(\.effects) == [[.restart], [.irreversible], [], []])
        #expect(found[0].diff.contains("\n-    image: x\n+    image: y"))
    }

    @Test("more pods of the same kind restart none")
    func replicas() throws {
        let found = try changes(chat(image: "x"), chat(image: "x", replicas: 2))
        #expect(found.map(\.effects) == [[]])
        #expect(found.first?.diff.contains("+  replicas: 2") == true)
    }

    @Test("neither values of a Secret nor known secrets nor a URL's password are in a diff")
    func secrets() throws {
        let found = try changes(
            object("Secret", "s", "type: a\ndata:\n  key: czNjcmV0\nstringData:\n  x: s3cret\n")
                + chat(image: Self.uri.reveal()) + object("Service", "a", "url: http://a.b\n"),
            object("Secret", "s", "type: b\ndata:\n  key: bmV3\nstringData:\n  x: new\n")
                + chat(image: "amqp://anna:s3cret@mq")
                + object("Service", "a", "url: http://a.c\n"))
        let text = found.map(\.diff).joined(separator: "\n")
        #expect(found.map(\.subject) == ["deployment/chat", "secret/s", "service/a"])
        #expect(text.contains("amqp://[redacted]@mq") && text.contains("-url: http://a.b"))
        for secret in ["s3cret", "czNjcmV0", "bmV3", "anna"] { #expect(!text.contains(secret)) }
    }

    @Test("what is no YAML is refused")
    func broken() {
        let told = #expect(throws: Failure.self) {
            try RenderedRelease("kind: [", secrets: [])
        }
        #expect(told?.message.hasPrefix("reading what Helm rendered") == true)
    }
}
