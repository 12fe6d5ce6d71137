import FoundationEssentials
import Model
import Outside

/// What kubectl prints, as values.
extension Kubectl {
    /// What `diff` found.
    public enum Difference: Sendable, Hashable {
        case none
        case some
        /// What the manifest needs is not there yet: its namespace, or its kind.
        case absent
    }

    /// Reads how `diff` ended: 0 the same, 1 different, more for trouble of its own. Throws
    /// `failed` if it could not tell.
    public static func difference(_ finished: Finished) throws -> Difference {
        switch finished.ending {
        case .exited(0): return .none
        case .exited(1): return .some
        default:
            let isAbsent =
                finished.errors.contains("no matches for kind")
                || (finished.errors.contains("namespaces \"")
                    && finished.errors.contains("not found"))
            if isAbsent { return .absent }
            throw Failure(.failed, "comparing with the cluster: \(finished.sentence)")
        }
    }

    /// Whether a child failed because the API server did not answer just then: the same call may
    /// work in a few seconds.
    public static func isOutage(_ finished: Finished) -> Bool {
        guard !finished.succeeded else { return false }
        return outages.contains { finished.errors.contains($0) }
    }

    private static let outages = [
        "connection refused", "connection reset", "Kubernetes cluster unreachable",
        "Unable to connect to the server", "TLS handshake timeout", "i/o timeout",
        "the server is currently unable to handle the request", "etcdserver: ", "unexpected EOF",
        ": EOF",
    ]

    struct Metadata: Decodable {
        let name: String
        let annotations: [String: String]?
        let resourceVersion: String?
        let uid: String?
        let labels: [String: String]?
        let ownerReferences: [Owner]?
    }

    struct Owner: Decodable { let name: String }

    private struct List<Item: Decodable>: Decodable { let items: [Item] }

    /// Reads a list printed as JSON. Throws `invalid` if it is none.
    static func items<Item: Decodable>(_ text: String, _ what: String) throws -> [Item] {
        try JSON.decode(
            List<Item>.self, from: text.utf8, what: "kubectl's list of \(what)"
        ).items
    }
}

/// Nodes.
extension Kubectl {
    /// A member of the cluster as its control plane sees it.
    public struct Member: Codable, Sendable, Hashable {
        public let name: String
        public let isReady: Bool
        /// Whether no new pods are put there.
        public var isClosed = false
        /// Whether that is our doing.
        public var isClosedByUs = false
        /// Addresses with which this node's own programs reach a pod: its own, its end of the
        /// overlay, and the gateway of its pods. No pod ever has one of these.
        public let hops: [String]
        /// What the node lacks, in the control plane's words: `DiskPressure: …`.
        public var troubles: [String] = []
        /// Version of its kubelet, such as `1.34.1`; nil if it says none.
        public var kubelet: String?
    }

    private struct Node: Decodable {
        struct Condition: Decodable {
            let type, status: String
            let message: String?

            /// All of them but `Ready` are troubles (Kubernetes, "Node status").
            var trouble: String? {
                guard type == "Ready" ? status != "True" && message != nil : status == "True" else {
                    return nil
                }
                let name = type == "Ready" ? "not ready" : type
                return name + (message.map { ": \($0.prefix(200))" } ?? "")
            }
        }
        struct Address: Decodable { let type, address: String }
        struct Info: Decodable {
            let kubeletVersion: String?

            /// `1.34.1` of `v1.34.1+build`.
            var version: String? {
                kubeletVersion.map {
                    String($0.drop { $0 == "v" }.prefix { $0.isNumber || $0 == "." })
                }
            }
        }
        struct Status: Decodable {
            let conditions: [Condition]?
            let addresses: [Address]?
            let nodeInfo: Info?
        }
        struct Spec: Decodable {
            let podCIDR: String?
            let unschedulable: Bool?
        }
        let metadata: Metadata
        let spec: Spec?
        let status: Status?

        /// Calico says where its tunnel ends; a bridge's gateway is the first address of the node's
        /// range, and Flannel's tunnel has the range's own.
        var hops: [String] {
            let own = (status?.addresses ?? []).filter { $0.type == "InternalIP" }.map(\.address)
            let tunnels = ["IPv4VXLANTunnelAddr", "IPv4IPIPTunnelAddr"].compactMap {
                metadata.annotations?["projectcalico.org/\($0)"]
            }
            return own + (tunnels.isEmpty ? Self.gateways(of: spec?.podCIDR ?? "") : tunnels)
        }

        private static func gateways(of range: String) -> [String] {
            guard let start = range.split(separator: "/").first else { return [] }
            let octets = start.split(separator: ".").compactMap { UInt8($0) }
            guard octets.count == 4, octets[3] < 255 else { return [] }
            let front = octets.prefix(3).map(String.init).joined(separator: ".")
            return ["\(front).\(octets[3])", "\(front).\(octets[3] + 1)"]
        }
    }

    /// Reads `get nodes --output=json`. Throws `invalid` if it is not a list of nodes.
    public static func members(_ text: String) throws -> [Member] {
        let nodes: [Node] = try items(text, "nodes")
        return nodes.map { node in
            let conditions = node.status?.conditions ?? []
            return Member(
                name: node.metadata.name,
                isReady: conditions.contains { $0.type == "Ready" && $0.status == "True" },
                isClosed: node.spec?.unschedulable ?? false,
                isClosedByUs: node.metadata.annotations?[closedMark] != nil,
                hops: node.hops, troubles: conditions.compactMap(\.trouble),
                kubelet: node.status?.nodeInfo?.version)
        }
    }
}

/// Pods.
extension Kubectl {
    struct Pod: Decodable {
        struct State: Decodable {
            struct Detail: Decodable {
                let reason: String?
                let message: String?
                let exitCode: Int?
            }
            let waiting: Detail?
            let terminated: Detail?
        }
        struct Container: Decodable {
            let name: String
            let ready: Bool
            let state: State?
            let lastState: State?
        }
        struct Condition: Decodable {
            let type, status: String
            let message: String?
        }
        struct Status: Decodable {
            let phase: String?
            let conditions: [Condition]?
            let initContainerStatuses: [Container]?
            let containerStatuses: [Container]?
        }
        struct Spec: Decodable { let nodeName: String? }
        let metadata: Metadata
        let spec: Spec?
        let status: Status?

        var hasEnded: Bool { ["Succeeded", "Failed"].contains(status?.phase) }
        var isReady: Bool {
            status?.conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false
        }
    }

    /// Whether a pod that runs once is through, from `get pod NAME --output=json`. Throws `invalid`
    /// if it is no pod.
    public static func hasEnded(_ text: String) throws -> Bool {
        try JSON.decode(Pod.self, from: text.utf8, what: "a pod").hasEnded
    }
}

/// Services.
extension Kubectl {
    /// A service, and which pods it leads to.
    public struct Service: Sendable, Hashable {
        public struct Port: Sendable, Hashable, Decodable {
            public let name: String?
            public let port: Int

            public init(name: String?, port: Int) {
                self.name = name
                self.port = port
            }
        }

        public let name: String
        public let ports: [Port]
        /// Labels of the pods behind it.
        public let selector: [String: String]

        public init(name: String, ports: [Port], selector: [String: String]) {
            self.name = name
            self.ports = ports
            self.selector = selector
        }
    }

    private struct ServiceItem: Decodable {
        struct Spec: Decodable {
            let ports: [Service.Port]?
            let selector: [String: String]?
        }
        let metadata: Metadata
        let spec: Spec
    }

    /// Reads `get services --output=json`. Throws `invalid` if it is not a list of services.
    public static func services(_ text: String) throws -> [Service] {
        let found: [ServiceItem] = try items(text, "services")
        return found.map {
            Service(
                name: $0.metadata.name, ports: $0.spec.ports ?? [],
                selector: $0.spec.selector ?? [:])
        }
    }
}

/// Secrets.
extension Kubectl {
    /// A Secret of the cluster.
    public struct StoredSecret: Sendable, Hashable {
        /// Changes with every change of the Secret, and says nothing about what is in it.
        public let version: String
        public let values: [String: Secret]
    }

    private struct SecretItem: Decodable {
        let metadata: Metadata
        let data: [String: String]?
    }

    /// Reads `get secret NAME --ignore-not-found --output=json`; nil if it is not there. Throws
    /// `invalid` if it is no Secret.
    public static func secret(_ text: String) throws -> StoredSecret? {
        guard text.contains(where: { !$0.isWhitespace }) else { return nil }
        let found = try JSON.decode(SecretItem.self, from: text.utf8, what: "a Secret")
        let values = (found.data ?? [:]).compactMapValues { encoded in
            Data(base64Encoded: encoded).map { Secret(String(decoding: $0, as: UTF8.self)) }
        }
        let version = [found.metadata.uid, found.metadata.resourceVersion].compactMap(\.self)
        return StoredSecret(version: version.joined(separator: "/"), values: values)
    }
}

/// Deployments.
extension Kubectl {
    /// How far a Deployment is on the way to its newest version.
    public enum Progress: Sendable, Hashable {
        /// Every pod is of the newest version and has been available for as long as it must.
        case arrived
        case waiting
        /// The cluster itself gave up (`progressDeadlineSeconds`).
        case stuck
    }

    private struct Deployment: Decodable {
        struct Metadata: Decodable {
            let name: String
            let generation: Int?
        }
        struct Spec: Decodable { let replicas: Int? }
        struct Condition: Decodable {
            let type: String
            let reason: String?
        }
        struct Status: Decodable {
            let observedGeneration: Int?
            let replicas: Int?
            let updatedReplicas: Int?
            let availableReplicas: Int?
            let conditions: [Condition]?
        }
        let metadata: Metadata
        let spec: Spec
        let status: Status?

        /// As `kubectl rollout status` judges it (kubectl's rollout_status.go).
        var progress: Progress {
            guard let status, (status.observedGeneration ?? 0) >= metadata.generation ?? 0 else {
                return .waiting
            }
            if status.conditions?.contains(where: { $0.reason == "ProgressDeadlineExceeded" })
                == true
            {
                return .stuck
            }
            let updated = status.updatedReplicas ?? 0
            return updated >= spec.replicas ?? 1 && status.replicas ?? 0 <= updated
                && status.availableReplicas ?? 0 >= updated ? .arrived : .waiting
        }
    }

    /// How far each Deployment of a list is, by its name. Throws `invalid` if it is none.
    public static func progress(_ text: String) throws -> [String: Progress] {
        let deployments: [Deployment] = try items(text, "deployments")
        return Dictionary(
            deployments.map { ($0.metadata.name, $0.progress) }, uniquingKeysWith: { $1 })
    }
}
