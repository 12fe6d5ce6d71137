/// The range of one number of the cluster file: `jeeves validate` refuses what is outside, and the
/// schema for editors says the same.
public struct Limit: Sendable {
    /// Keys from the top of the file: `edge.drainSeconds`.
    public let path: String
    public let range: ClosedRange<Int>
    let value: @Sendable (ClusterSpec) -> Int

    init(
        _ path: String, _ range: ClosedRange<Int>, _ value: @escaping @Sendable (ClusterSpec) -> Int
    ) {
        (self.path, self.range, self.value) = (path, range, value)
    }
}

extension ClusterSpec {
    public static let limits = [
        Limit("nodes.controllers.diskGiB", 20...16_384) { $0.nodes.controllers.diskGiB },
        Limit("nodes.workers.count", 0...100) { $0.nodes.workers.count },
        Limit("nodes.workers.diskGiB", 20...16_384) { $0.nodes.workers.diskGiB },
        Limit("dns.ttl", 30...86_400) { $0.dns.ttl },
        Limit("edge.requestsPerTenSecondsMax", 1...1_000_000) { $0.edge.requestsPerTenSecondsMax },
        Limit("edge.connectionsPerSourceMax", 1...1_000_000) { $0.edge.connectionsPerSourceMax },
        // HAProxy takes two file descriptors a connection, and systemd gives it 524288: with more
        // it would not start (systemd-system.conf(5), DefaultLimitNOFILE).
        Limit("edge.connectionsMax", 1...200_000) { $0.edge.connectionsMax },
        Limit("edge.drainSeconds", 60...86_400) { $0.edge.drainSeconds },
        Limit("app.replicas", 1...20) { $0.app.replicas },
        Limit("app.timeoutSeconds", 60...7200) { $0.app.timeoutSeconds },
        Limit("rollout.canary", 0...100) { $0.rollout.canary },
        Limit("rollout.stableSeconds", 0...3600) { $0.rollout.stableSeconds },
        Limit("rollout.deadlineSeconds", 60...86_400) { $0.rollout.deadlineSeconds },
        Limit("rollout.failuresMax", 0...100) { $0.rollout.failuresMax },
        Limit("rollout.drainSeconds", 10...7200) { $0.rollout.drainSeconds },
    ]

    func limitProblems() -> [Problem] {
        Self.limits.filter { !$0.range.contains($0.value(self)) }.map { limit in
            let (least, most) = (limit.range.lowerBound, limit.range.upperBound)
            return Problem(
                path: limit.path, message: "\(limit.value(self)) is outside \(least) to \(most)",
                fix: "write a number between them, or leave it out")
        }
    }
}
