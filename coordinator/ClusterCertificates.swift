import FoundationEssentials
import Model
import Outside

extension ClusterStatus {
    /// One certificate of one controller, as its agent reported last.
    public struct Certificate: Codable, Hashable, Sendable {
        public let node: NodeName
        /// The step that keeps it; nil before the node's first report.
        public let step: StepID?
        /// How that step stands, in one word.
        public let state: String?
        /// Nil before the first certificate.
        public let served: ServedCertificate?
        /// What else is known of it; nil also if the agent is older than the question.
        public let certificate: PublicCertificate?
        /// Whole days, rounded down; negative once it has expired.
        public let daysLeft: Int?
        /// Part of its lifetime that is left, from 1 to 0; nil if that is not known.
        public let left: Double?
        /// By what is left of its lifetime; nil before the first certificate.
        public let alert: ServedCertificate.Alert?
        /// Why the last try failed, and when the next may be; nil if it succeeded.
        public let trouble: Failure?
        /// Time since the report, for people: `3.2s`.
        public let age: String

        init(_ node: Node, _ step: StepStatus?, now: Date) {
            self.node = node.name
            self.step = step?.id
            state = step?.state.word
            served = step.flatMap { ServedCertificate($0.detail) }
            certificate = step?.certificate
            daysLeft = served.map {
                Int(($0.notAfter.timeIntervalSince(now) / 86_400).rounded(.down))
            }
            left = served?.left(now: now)
            alert = served?.alert(now: now)
            trouble = if case .failed(let failure) = step?.state { failure } else { nil }
            age = node.age
        }
    }

    /// One for each certificate of each controller, and one for the edge if it has none yet.
    public func certificates(now: Date) -> [Certificate] {
        nodes.filter { $0.role == .controller }.flatMap { node in
            let steps = (node.status?.steps ?? []).filter(Self.isCertificate)
            return steps.isEmpty
                ? node.name == edge?.name ? [Certificate(node, nil, now: now)] : []
                : steps.map { Certificate(node, $0, now: now) }
        }
    }

    private static func isCertificate(_ step: StepStatus) -> Bool {
        step.certificate != nil || ServedCertificate(step.detail) != nil
            || step.id.rawValue == NodeSpecs.certificateStep
            || step.id.rawValue.hasPrefix("\(NodeSpecs.certificateStep)-")
    }
}
