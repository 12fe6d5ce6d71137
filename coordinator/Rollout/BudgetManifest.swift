import Model
import Tools

/// Budgets for the application's Deployments, so that an emptied node never takes both instances of
/// a service: a pure function of what Helm's release really made and of the budgets that are there.
struct BudgetManifest: Sendable, Hashable {
    let budgets: [DisruptionBudget]
    /// Names of ours that are there and are no longer wanted.
    let surplus: [String]

    /// A pod with two budgets cannot be evicted at all, so a Deployment gets none whose pods
    /// somebody else's selects already, nor one whose selector takes in another one's pods.
    init(
        namespace: String, deployments: [Kubectl.PodTemplate], existing: [Kubectl.Budget]
    ) {
        let (label, value) = DisruptionBudget.mark
        let foreign = existing.filter { $0.labels[label] != value }
        let bare = deployments.filter { deployment in
            !foreign.contains { $0.selector?.matches(deployment.labels) ?? false }
                && !deployments.contains {
                    $0.name != deployment.name && deployment.selector.matches($0.labels)
                }
        }
        budgets = bare.map {
            DisruptionBudget(
                name: "jeeves-\($0.name)", namespace: namespace, selector: $0.selector)
        }
        let wanted = Set(budgets.map(\.name))
        surplus = existing.filter { $0.labels[label] == value }.map(\.name)
            .filter { !wanted.contains($0) }
    }

    /// A YAML document each, for the API server of this version.
    func documents(for kubernetes: Version) throws -> [String] {
        try budgets.map { try $0.render(for: kubernetes) }
    }
}
