import Model
import Tools

/// A PodDisruptionBudget of ours: whoever empties a node takes one pod of a Deployment, and the
/// next only once another serves in its place. The only pod of one may go while it serves.
struct DisruptionBudget: Sendable, Hashable {
    /// Tells ours from all others; a chart's own say `Helm`.
    static let mark = (label: "app.kubernetes.io/managed-by", value: "jeeves")
    /// From this version on there is policy/v1; policy/v1beta1 ends with 1.24.
    private static let stableMin = Version(1, 21, 0)
    /// From this version on a budget can say that pods that do not serve may go; 1.25 refuses the
    /// field, and 1.26 ignores it.
    private static let unhealthyMin = Version(1, 27, 0)

    let name: String
    let namespace: String
    /// The Deployment's own.
    let selector: LabelSelector

    /// One YAML document for the API server of this version.
    func render(for kubernetes: Version) throws -> String {
        // JSON is YAML, whatever is in it.
        let selector = String(decoding: try JSON.encode(selector), as: UTF8.self)
        let unhealthy =
            kubernetes < Self.unhealthyMin ? "" : "\n  unhealthyPodEvictionPolicy: AlwaysAllow"
        return """
            apiVersion: policy/\(kubernetes < Self.stableMin ? "v1beta1" : "v1")
            kind: PodDisruptionBudget
            metadata:
              name: \(name)
              namespace: \(namespace)
              labels: {\(Self.mark.label): \(Self.mark.value)}
            spec:
              maxUnavailable: 1
              selector: \(selector)\(unhealthy)

            """
    }
}
