import Model

/// Pods that belong together, as those of a Deployment do.
extension Kubectl {
    public struct Workload: Codable, Sendable, Hashable {
        /// A pod that does not run.
        public struct Trouble: Codable, Sendable, Hashable {
            public let pod: String
            /// Where it is to run; nil before it has a place.
            public let node: String?
            public let why: String

            public init(pod: String, node: String?, why: String) {
                self.pod = pod
                self.node = node
                self.why = why
            }
        }

        public let name: String
        public let ready: Int
        public let all: Int
        /// At most ``PodTroubles/sentencesMax``.
        public let troubles: [Trouble]

        public init(name: String, ready: Int, all: Int, troubles: [Trouble] = []) {
            self.name = name
            self.ready = ready
            self.all = all
            self.troubles = troubles
        }
    }

    /// The workloads of `get pods --output=json`, in the order of their names; pods that are
    /// through do not count. Throws `invalid` if it is not a list of pods.
    public static func workloads(_ text: String) throws -> [Workload] {
        let pods: [Pod] = try items(text, "pods")
        let groups = Dictionary(grouping: pods.filter { !$0.hasEnded }, by: \.workload)
        return groups.sorted { $0.key < $1.key }.map { name, pods in
            let troubles = pods.compactMap { pod in
                PodTroubles.reason(pod).map {
                    Workload.Trouble(
                        pod: pod.metadata.name, node: pod.spec?.nodeName,
                        why: PodTroubles.bounded($0.why))
                }
            }
            return Workload(
                name: name, ready: pods.count { $0.isReady }, all: pods.count,
                troubles: Array(troubles.prefix(PodTroubles.sentencesMax)))
        }
    }
}

extension [Kubectl.Workload] {
    /// Pods of all of them that are ready.
    public var ready: Int { reduce(0) { $0 + $1.ready } }
    public var all: Int { reduce(0) { $0 + $1.all } }
}

extension Kubectl.Pod {
    /// Label with the end of the name of a Deployment's ReplicaSet.
    private static let templateHash = "pod-template-hash"

    /// Its Deployment, StatefulSet, DaemonSet or Job; itself if nobody owns it.
    fileprivate var workload: String {
        guard let owner = metadata.ownerReferences?.first?.name else { return metadata.name }
        guard let hash = metadata.labels?[Self.templateHash], owner.hasSuffix("-\(hash)") else {
            return owner
        }
        return String(owner.dropLast(hash.count + 1))
    }
}
