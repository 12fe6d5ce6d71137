import Model
import Testing
import Tools

@testable import Coordinator

@Suite struct BudgetManifestTests {
    private static func deployment(_ name: String) -> Kubectl.PodTemplate {
        let labels = ["app.kubernetes.io/name": name, "app.kubernetes.io/instance": "chat"]
        return .init(name: name, selector: LabelSelector(labels), labels: labels)
    }

    private static func budget(
        _ name: String, by owner: String, of label: String? = nil
    ) -> Kubectl.Budget {
        .init(
            name: name, labels: ["app.kubernetes.io/managed-by": owner],
            selector: label.map { LabelSelector(["app.kubernetes.io/name": $0]) })
    }

    private func manifest(_ existing: [Kubectl.Budget]) -> BudgetManifest {
        BudgetManifest(
            namespace: "psautoinfra",
            deployments: [Self.deployment("chat"), Self.deployment("account")], existing: existing)
    }

    @Test("each Deployment has one, by its own selector, in the form that the API server knows")
    func forms() throws {
        func text(_ minor: Int) throws -> String? {
            try manifest([]).documents(for: Version(1, minor, 0)).last
        }
        let old = """
            apiVersion: policy/v1beta1
            kind: PodDisruptionBudget
            metadata:
              name: jeeves-account
              namespace: psautoinfra
              labels: {app.kubernetes.io/managed-by: jeeves}
            spec:
              maxUnavailable: 1
              selector: {"matchLabels":{"app.kubernetes.io/instance":"chat",\
            "app.kubernetes.io/name":"account"}}

            """
        let stable = old.replacing("v1beta1", with: "v1")
        let newest = stable + "  unhealthyPodEvictionPolicy: AlwaysAllow\n"
        #expect(try text(20) == old)
        #expect(try text(21) == stable)
        #expect(try text(26) == stable)
        #expect(try text(27) == newest)
        #expect(try text(34) == newest)
    }

    @Test("a Deployment whose pods somebody else's budget selects gets none, and ours goes")
    func foreign() {
        let chart = Self.budget("rocketchat", by: "Helm", of: "chat")
        #expect(manifest([chart]).budgets.map(\.name) == ["jeeves-account"])
        #expect(manifest([chart]).surplus.isEmpty)
        let ours = Self.budget("jeeves-chat", by: "jeeves", of: "chat")
        #expect(manifest([ours, chart]).budgets.map(\.name) == ["jeeves-account"])
        #expect(manifest([ours, chart]).surplus == ["jeeves-chat"])
    }

    @Test("a Deployment whose selector takes in another one's pods gets none")
    func wide() {
        let wide = Kubectl.PodTemplate(
            name: "chat", selector: LabelSelector(["app.kubernetes.io/instance": "chat"]),
            labels: ["app.kubernetes.io/instance": "chat"])
        let manifest = BudgetManifest(
            namespace: "psautoinfra", deployments: [wide, Self.deployment("account")], existing: [])
        #expect(manifest.budgets.map(\.name) == ["jeeves-account"])
    }

    @Test("budgets of other pods, of none, and our own change nothing")
    func others() {
        let others = [
            Self.budget("nats", by: "Helm", of: "nats"), Self.budget("none", by: "Helm"),
            Self.budget("jeeves-chat", by: "jeeves", of: "chat"),
        ]
        #expect(manifest(others).budgets.map(\.name) == ["jeeves-chat", "jeeves-account"])
        #expect(manifest(others).surplus.isEmpty)
    }

    @Test("ours goes with its Deployment, and a chart's is never ours whatever its name")
    func gone() {
        let left = [
            Self.budget("jeeves-stream-hub", by: "jeeves", of: "stream-hub"),
            Self.budget("jeeves-other", by: "Helm", of: "other"),
        ]
        #expect(manifest(left).surplus == ["jeeves-stream-hub"])
    }
}
