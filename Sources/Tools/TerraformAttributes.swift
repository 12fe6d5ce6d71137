import Model

/// What `terraform show -json` says of a saved plan, attribute by attribute (JSON output format 1).
public enum TerraformAttributes {
    private struct Shown: Decodable {
        struct Resource: Decodable {
            let address: String
            let change: Values
        }
        struct Values: Decodable {
            let before, after, after_unknown: PlainValue?
            let before_sensitive, after_sensitive: PlainValue?
        }
        let resource_changes: [Resource]?
    }

    /// An attribute whose change stops a machine and starts it again.
    private static let sizes = ["instance_type"]

    /// `changes` with what each changes in its attributes, and what that means. Values that
    /// Terraform calls sensitive are not told. Throws `invalid` if `text` is no such output.
    public static func detail(_ changes: [Change], from text: String) throws -> [Change] {
        let shown = try JSON.decode(Shown.self, from: text.utf8, what: "Terraform's plan")
        let values = Dictionary(
            (shown.resource_changes ?? []).map { ($0.address, $0.change) },
            uniquingKeysWith: { $1 })
        return changes.map { change in
            guard change.action == .update || change.action == .replace,
                let values = values[change.subject]
            else { return change }
            let keys = differing(values, tellsUnknown: change.action == .update)
            let restarts = change.action == .update && keys.contains { sizes.contains($0.key) }
            return Change(
                change.action, change.subject, detail: change.detail,
                effects: (restarts ? [.restart] : []) + change.effects,
                diff: UnifiedDiff.bounded(keys.flatMap { lines($0.key, $0.old, $0.new) }))
        }
    }

    /// Of a replacement nearly everything is known after it only.
    private static func differing(
        _ values: Shown.Values, tellsUnknown: Bool
    ) -> [(key: String, old: String?, new: String?)] {
        let (before, after) = (values.before?.flat() ?? [:], values.after?.flat() ?? [:])
        let unknown = (values.after_unknown?.flat() ?? [:]).filter { $0.value == "true" }
        let secret = [values.before_sensitive, values.after_sensitive].flatMap {
            ($0?.flat() ?? [:]).filter { $0.value == "true" }.map(\.key)
        }
        func shown(_ key: String, _ value: String?) -> String? {
            let isSecret = secret.contains { $0.isEmpty || key == $0 || key.hasPrefix("\($0).") }
            return isSecret && value != nil ? "[redacted]" : value
        }
        return Set(before.keys).union(after.keys).union(unknown.keys).sorted().compactMap { key in
            let isUnknown = unknown[key] != nil
            let new = isUnknown ? "known after apply" : after[key]
            guard before[key] != new, tellsUnknown || !isUnknown else { return nil }
            return (key, shown(key, before[key]), shown(key, new))
        }
    }

    private static func lines(_ key: String, _ old: String?, _ new: String?) -> [String] {
        [old.map { "-\(key): \($0)" }, new.map { "+\(key): \($0)" }].compactMap(\.self)
    }
}
