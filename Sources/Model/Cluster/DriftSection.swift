/// `drift`: what the agents do about what somebody changed on a node, by kind of step.
///
/// Certificates have no choice: one that is due differs too, and must be renewed. Nor has a
/// worker's membership, because no agent joins or leaves by itself.
public struct DriftSection: Section {
    public var packages: DriftPolicy
    public var haproxy: DriftPolicy
    public var microk8s: DriftPolicy

    public enum CodingKeys: String, CodingKey, CaseIterable { case packages, haproxy, microk8s }

    public init() { (packages, haproxy, microk8s) = (.repair, .repair, .repair) }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        packages = try file.decode(.packages, or: .repair)
        haproxy = try file.decode(.haproxy, or: .repair)
        microk8s = try file.decode(.microk8s, or: .repair)
    }

    public func policy(for body: StepBody) -> DriftPolicy {
        switch body {
        case .packages: packages
        case .haproxy: haproxy
        case .microk8s: microk8s
        case .certificate, .join, .unknown: .repair
        }
    }
}
