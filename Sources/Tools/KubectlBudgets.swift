import Model
import Outside

/// PodDisruptionBudgets, and the pods that they may protect.
extension Kubectl {
    /// What a Deployment's pods are known by.
    public struct PodTemplate: Sendable, Hashable {
        /// Name of the Deployment.
        public let name: String
        /// By which the Deployment finds its pods.
        public let selector: LabelSelector
        /// Which its pods have, besides those that Kubernetes adds.
        public let labels: [String: String]

        public init(name: String, selector: LabelSelector, labels: [String: String]) {
            self.name = name
            self.selector = selector
            self.labels = labels
        }
    }

    /// A PodDisruptionBudget.
    public struct Budget: Sendable, Hashable {
        public let name: String
        /// Its own labels, not those of its pods.
        public let labels: [String: String]
        /// Nil selects no pod.
        public let selector: LabelSelector?

        public init(name: String, labels: [String: String], selector: LabelSelector?) {
            self.name = name
            self.labels = labels
            self.selector = selector
        }
    }

    private struct TemplateItem: Decodable {
        struct Template: Decodable { let metadata: Labels }
        struct Labels: Decodable { let labels: [String: String]? }
        struct Spec: Decodable {
            let selector: LabelSelector
            let template: Template
        }
        let metadata: Metadata
        let spec: Spec
    }

    private struct BudgetItem: Decodable {
        struct Spec: Decodable { let selector: LabelSelector? }
        let metadata: Metadata
        let spec: Spec
    }

    /// Reads `get deployments --output=json`. Throws `invalid` if it is not a list of them.
    public static func podTemplates(_ text: String) throws -> [PodTemplate] {
        let found: [TemplateItem] = try items(text, "deployments")
        return found.map {
            PodTemplate(
                name: $0.metadata.name, selector: $0.spec.selector,
                labels: $0.spec.template.metadata.labels ?? [:])
        }
    }

    /// Reads `get poddisruptionbudgets --output=json`. Throws `invalid` if it is not a list of
    /// them.
    public static func budgets(_ text: String) throws -> [Budget] {
        let found: [BudgetItem] = try items(text, "budgets")
        return found.map {
            Budget(
                name: $0.metadata.name, labels: $0.metadata.labels ?? [:],
                selector: $0.spec.selector)
        }
    }
}
