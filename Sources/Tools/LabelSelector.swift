/// Which pods an object of Kubernetes means, by their labels.
public struct LabelSelector: Codable, Sendable, Hashable {
    /// A condition on one label beyond equality.
    public struct Requirement: Codable, Sendable, Hashable {
        public enum Operator: String, Codable, Sendable {
            case `in` = "In"
            case notIn = "NotIn"
            case exists = "Exists"
            case doesNotExist = "DoesNotExist"
        }

        public let key: String
        public let `operator`: Operator
        public let values: [String]?

        fileprivate func holds(_ labels: [String: String]) -> Bool {
            let isListed = labels[key].map { (values ?? []).contains($0) } ?? false
            return switch self.operator {
            case .in: isListed
            case .notIn: !isListed
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }
    }

    public let matchLabels: [String: String]?
    public let matchExpressions: [Requirement]?

    public init(_ labels: [String: String]) {
        matchLabels = labels
        matchExpressions = nil
    }

    /// Whether it means pods with these labels. One that asks for nothing means all, as in
    /// policy/v1; in policy/v1beta1 it means none.
    public func matches(_ labels: [String: String]) -> Bool {
        (matchLabels ?? [:]).allSatisfy { labels[$0.key] == $0.value }
            && (matchExpressions ?? []).allSatisfy { $0.holds(labels) }
    }
}
