import FoundationEssentials
import Model
import Outside

/// Closing a node to new pods, emptying it and opening it again.
extension Kubectl {
    /// Annotation of a node that we closed. It is set and taken away in one write with the closing
    /// itself, so neither is ever there without the other.
    public static let closedMark = "jeeves/closed"

    /// Closes a node and marks it as closed by us.
    public func cordon(_ node: NodeName) throws -> Command {
        try patch(node, mark: "true", closed: true)
    }

    /// Opens a node again and takes our mark away.
    public func uncordon(_ node: NodeName) throws -> Command {
        try patch(node, mark: nil, closed: nil)
    }

    /// How long after its grace period an evicted pod is waited for: the kubelet of a node that
    /// died meanwhile never tells that its pods have ended.
    private static let lingerMax = Duration.seconds(60)

    /// Has every pod of a node leave it but those of DaemonSets, by the eviction API: a
    /// PodDisruptionBudget is obeyed. Pods that nothing would start elsewhere stop it.
    public func drain(_ node: NodeName, timeout: Duration) -> Command {
        command([
            "drain", node.rawValue, "--ignore-daemonsets", "--delete-emptydir-data",
            "--skip-wait-for-delete-timeout=\(Self.lingerMax.components.seconds)",
            "--timeout=\(timeout.components.seconds)s",
        ])
    }

    /// A JSON merge patch (RFC 7386): null takes a member away.
    private struct Patch: Encodable {
        let mark: String?
        let closed: Bool?

        private enum Key: String, CodingKey { case metadata, annotations, spec, unschedulable }
        private struct Mark: CodingKey {
            let stringValue = Kubectl.closedMark
            var intValue: Int? { nil }
            init() {}
            init?(stringValue: String) { nil }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var top = encoder.container(keyedBy: Key.self)
            var metadata = top.nestedContainer(keyedBy: Key.self, forKey: .metadata)
            var annotations = metadata.nestedContainer(keyedBy: Mark.self, forKey: .annotations)
            try annotations.encode(mark, forKey: Mark())
            var spec = top.nestedContainer(keyedBy: Key.self, forKey: .spec)
            try spec.encode(closed, forKey: .unschedulable)
        }
    }

    private func patch(_ node: NodeName, mark: String?, closed: Bool?) throws -> Command {
        let body = try JSON.encode(Patch(mark: mark, closed: closed))
        return command([
            "patch", "node", node.rawValue, "--type=merge",
            "--patch=\(String(decoding: body, as: UTF8.self))",
        ])
    }
}

extension Kubectl {
    /// Why pods did not leave a node.
    public struct Stuck: Hashable, Sendable {
        /// `namespace/name` of pods that their PodDisruptionBudget keeps.
        public let kept: [String]
        /// `namespace/name` of pods that two PodDisruptionBudgets select: nobody may evict those.
        public let doubled: [String]
        /// `namespace/name` of pods that nothing would start elsewhere.
        public let orphans: [String]
    }

    /// Reads what `drain` printed when it failed.
    public static func stuck(_ finished: Finished) -> Stuck {
        var kept: [String] = []
        var doubled: [String] = []
        var orphans: [String] = []
        for line in finished.errors.split(whereSeparator: \.isNewline) {
            // error when evicting pods/"web-0" -n "chat" (will retry after 5s): Cannot evict pod as
            // it would violate the pod's disruption budget.
            if line.contains("disruption budget"), let pod = evicted(line) { kept.append(pod) }
            // error when evicting pods/"web-0" -n "chat": This pod has more than one
            // PodDisruptionBudget, which the eviction subresource does not support.
            if line.contains("more than one PodDisruptionBudget"), let pod = evicted(line) {
                doubled.append(pod)
            }
            // cannot delete Pods that declare no controller (use --force to override): chat/shell
            if let start = line.firstRange(of: "no controller (use --force to override): ") {
                let names = line[start.upperBound...].prefix { !"];".contains($0) }
                orphans += names.split(separator: ",").map { $0.trimming(" ") }
            }
        }
        return Stuck(kept: unique(kept), doubled: unique(doubled), orphans: unique(orphans))
    }

    private static func evicted(_ line: Substring) -> String? {
        guard let name = quoted(line, after: "pods/"), let space = quoted(line, after: "-n ")
        else { return nil }
        return "\(space)/\(name)"
    }

    private static func quoted(_ line: Substring, after start: String) -> String? {
        guard let found = line.firstRange(of: start + "\"") else { return nil }
        return String(line[found.upperBound...].prefix { $0 != "\"" })
    }

    /// At most ten, in the order of the alphabet.
    private static func unique(_ names: [String]) -> [String] {
        Array(Set(names).sorted().prefix(10))
    }
}

extension Substring {
    fileprivate func trimming(_ character: Character) -> String {
        var rest = self
        while rest.first == character { rest.removeFirst() }
        while rest.last == character { rest.removeLast() }
        return String(rest)
    }
}
