import Model
import Outside

/// Command lines for kubectl against one kubeconfig, and what it prints. It runs nothing itself.
public struct Kubectl: Sendable, Hashable {
    /// Path of the kubeconfig: holds keys, so it is a private file and never an argument's value.
    public let kubeconfig: String

    public init(kubeconfig: String) { self.kubeconfig = kubeconfig }

    /// Any kubectl command against this cluster.
    public func command(_ arguments: [String], input: Secret? = nil) -> Command {
        Command("kubectl", ["--kubeconfig=\(kubeconfig)"] + arguments, input: input)
    }

    /// Prints its own version; needs no cluster.
    public static func version() -> Command {
        Command("kubectl", ["version", "--client", "--output=json"])
    }

    public func nodes() -> Command { command(["get", "nodes", "--output=json"]) }

    /// A member of the cluster as its control plane sees it.
    public struct Member: Sendable, Hashable {
        public let name: String
        public let isReady: Bool
    }

    private struct NodeList: Decodable {
        struct Node: Decodable {
            struct Metadata: Decodable { let name: String }
            struct Condition: Decodable { let type, status: String }
            struct Status: Decodable { let conditions: [Condition]? }
            let metadata: Metadata
            let status: Status?
        }
        let items: [Node]
    }

    /// Reads `get nodes --output=json`. Throws `invalid` if it is not a list of nodes.
    public static func members(_ text: String) throws -> [Member] {
        let list = try JSON.decode(NodeList.self, from: text.utf8, what: "kubectl's list of nodes")
        return list.items.map { node in
            let conditions = node.status?.conditions ?? []
            return Member(
                name: node.metadata.name,
                isReady: conditions.contains { $0.type == "Ready" && $0.status == "True" })
        }
    }
}
