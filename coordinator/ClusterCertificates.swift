import FoundationEssentials
import Model
import Outside

extension ClusterStatus {
    /// What one controller serves, as its agent reported last.
    public struct Certificate: Codable, Hashable, Sendable {
        public let node: NodeName
        /// Nil before the first certificate.
        public let served: ServedCertificate?
        /// Whole days, rounded down; negative once it has expired.
        public let daysLeft: Int?
        /// By what is left of its lifetime; nil before the first certificate.
        public let alert: ServedCertificate.Alert?
        /// Why the last try failed, and when the next may be; nil if it succeeded.
        public let trouble: Failure?
        /// Time since the report, for people: `3.2s`.
        public let age: String
    }

    /// One line for each controller.
    public func certificates(now: Date) -> [Certificate] {
        nodes.filter { $0.role == .controller }.map { node in
            let step = node.status?.steps.first { $0.id.rawValue == NodeSpecs.certificateStep }
            let served = step.flatMap { ServedCertificate($0.detail) }
            return Certificate(
                node: node.name, served: served,
                daysLeft: served.map {
                    Int(($0.notAfter.timeIntervalSince(now) / 86_400).rounded(.down))
                },
                alert: served?.alert(now: now),
                trouble: step.flatMap { Self.trouble(of: $0.state) }, age: node.age)
        }
    }

    private static func trouble(of state: StepState) -> Failure? {
        if case .failed(let failure) = state { failure } else { nil }
    }
}
