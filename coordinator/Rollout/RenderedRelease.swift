import Model
import Yams

/// The objects of a release as Helm rendered them, comparable with another rendering: in one order,
/// without comments, and without secrets.
struct RenderedRelease: Sendable, Hashable {
    private struct Object: Sendable, Hashable {
        var text: String
        /// Of the pods that it makes; a change starts them anew.
        var template: String
    }

    private static let masked = "[redacted]"

    private var objects: [String: Object] = [:]

    /// Throws `failed` if `manifest` is not YAML. What is in `secrets` is taken out wherever it is.
    init(_ manifest: String, secrets: [Secret]) throws {
        do {
            var documents = try Yams.compose_all(yaml: manifest)
            while let node = documents.next() {
                guard let kind = node["kind"]?.string, let name = node["metadata"]?["name"]?.string
                else { continue }
                let template = try node["spec"]?["template"].map {
                    try Yams.serialize(node: $0, sortKeys: true)
                }
                let text = try Yams.serialize(node: Self.veiled(node), sortKeys: true)
                objects["\(kind.lowercased())/\(name)"] = Object(
                    text: Self.without(secrets, text), template: template ?? "")
            }
            if let error = documents.error { throw error }
        } catch {
            throw Failure(error, trying: "reading what Helm rendered")
        }
    }

    /// What it takes to come to `wanted`, an object each, in the order of their names.
    func changes(to wanted: RenderedRelease) -> [Change] {
        Set(objects.keys).union(wanted.objects.keys).sorted().compactMap { subject in
            guard let old = objects[subject] else { return Change(.create, subject) }
            guard let new = wanted.objects[subject] else {
                let keepsData = !subject.hasPrefix("persistentvolumeclaim/")
                return Change(.delete, subject, effects: keepsData ? [] : [.irreversible])
            }
            guard old != new else { return nil }
            return Change(
                .update, subject, effects: old.template == new.template ? [] : [.restart],
                diff: UnifiedDiff.text(from: old.text, to: new.text))
        }
    }

    /// A Secret's values are nobody's business, and neither is whether they change; nor is what an
    /// older rendering calls a password or a licence.
    private static func veiled(_ node: Node) -> Node {
        var node = node
        if node["kind"]?.string == "Secret" {
            for key in ["data", "stringData"] {
                guard let values = node[key]?.mapping else { continue }
                node[key] = Node(values.map { ($0.key, Node(masked)) })
            }
        }
        return veiledInside(node)
    }

    private static func veiledInside(_ node: Node) -> Node {
        if let items = node.sequence { return Node(items.map(veiledInside)) }
        guard let mapping = node.mapping else { return node }
        let isSecretVariable = node["name"]?.string.map(isSecretive) ?? false
        return Node(
            mapping.map { key, value in
                let name = key.string ?? ""
                let isHidden = isSecretive(name) || (isSecretVariable && name == "value")
                return (key, isHidden && value.scalar != nil ? Node(masked) : veiledInside(value))
            })
    }

    private static func isSecretive(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["password", "license", "licence", "token", "_key", "secretkey"].contains {
            name.hasSuffix($0)
        }
    }

    private static func without(_ secrets: [Secret], _ text: String) -> String {
        secrets.map { $0.reveal() }.filter { !$0.isEmpty }.reduce(text) {
            $0.replacing($1, with: masked)
        }.replacing(/:\/\/[^\/\s@]+:[^\/\s@]+@/) { _ in "://\(masked)@" }
    }
}
