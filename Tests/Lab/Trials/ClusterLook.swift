import Foundation
import Model

/// What scenarios look at to judge a rollout. Never changes anything.
struct ClusterLook: Sendable {
    let cluster: LiveCluster

    /// Who drives, and the last rollout, as `jeeves rollout status` tells programs.
    struct Driving: Decodable {
        let holder: String?
        let rollout: Rollout?

        /// Why the last rollout failed; empty if it did not.
        var failure: String { rollout?.stages.last?.failure?.message ?? "" }
    }

    func driving() async throws -> Driving {
        let text = try await cluster.printed("rollout", "status", "--output", "json")
        return try JSON.decode(Driving.self, from: text.utf8, what: "the rollout's status")
    }

    func view(of node: String) async throws -> NodeView {
        try await NodeView.read(Node.machine(of: node), cluster.host)
    }

    /// Of the workers that a scenario begins with.
    func workers() async throws -> [NodeView] {
        var found: [NodeView] = []
        for worker in LiveCluster.workers { found.append(try await view(of: worker)) }
        return found
    }

    /// What the agent of a node has written down there.
    func status(of node: String) async throws -> NodeStatus {
        try await NodeStatus.read(Node.machine(of: node), cluster.host)
    }

    /// Whether every machine follows this channel of MicroK8s.
    func allFollow(_ channel: String) async throws -> Bool {
        for node in try Node.all()
        where try await NodeView.read(node, cluster.host).channel != channel {
            return false
        }
        return true
    }

    /// The names that Kubernetes has for its members.
    func members() async throws -> [String] {
        let names = try await cluster.printed("kubectl", "--", "get", "nodes", "--output=name")
        return names.split(separator: "\n").map { String($0.trimmingPrefix("node/")) }
    }

    /// Images of the application that Kubernetes is to run.
    func appImages() async throws -> String {
        try await cluster.printed(
            "kubectl", "--", "get", "deployments", "--namespace=psautoinfra",
            "--output=jsonpath={.items[*].spec.template.spec.containers[*].image}")
    }
}

/// What one node is, asked on the machine itself.
struct NodeView: Hashable, Sendable {
    let generation: UInt64
    /// Every step is as that generation wants it.
    let isRight: Bool
    let channel: String
    /// How often the snap was refreshed: its revision.
    let refreshes: Int

    private struct Snapd: Decodable {
        struct Snap: Decodable {
            let channel: String
            let refreshes: Int?
        }

        let snap: Snap?
    }

    static func read(_ node: Node, _ host: Host) async throws -> NodeView {
        let status = try await NodeStatus.read(node, host)
        let state = try await node.shell("cat /var/lib/snapd/state.json", on: host)
        let snapd = try JSON.decode(Snapd.self, from: state.utf8, what: "snapd's state")
        return NodeView(
            generation: status.generation,
            isRight: status.isConverged(generation: status.generation),
            channel: snapd.snap?.channel ?? "", refreshes: snapd.snap?.refreshes ?? 0)
    }
}

extension NodeStatus {
    fileprivate static func read(_ node: Node, _ host: Host) async throws -> NodeStatus {
        let text = try await node.shell("cat /run/jeeves/status.json", on: host)
        return try JSON.decode(
            NodeStatus.self, from: text.utf8, what: "the status of \(node.member)")
    }
}
