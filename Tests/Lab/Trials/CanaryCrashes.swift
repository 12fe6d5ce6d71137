/// A worker that becomes right and dies a minute later stops the change all the same.
struct CanaryCrashes {
    /// How long it is right.
    private static let rightFor = Duration.seconds(60)
    /// The control plane notices a kubelet that is gone after 40 s (its default): the batch has to
    /// be watched for longer than both.
    private static let stableSeconds = 120

    let cluster: LiveCluster
    private var faults: Faults { Faults(worker: "worker-1", host: cluster.host) }

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        guard await cluster.begins(file, &verdicts) else { return }
        file.channel = "1.35/stable"
        file.stableSeconds = Self.stableSeconds
        var before: NodeView?
        await verdicts.expect("up ends when the kubelet of its canary is gone for good") {
            before = try await cluster.look.view(of: "worker-2")
            let code = try await upWhileItDies(file)
            let failure = try await cluster.look.driving().failure
            return code != 0 && failure.contains("(worker-1)")
                && failure.contains("untouched: worker-2")
        }
        await verdicts.expect("the other worker has its generation and its revision still") {
            try await cluster.look.view(of: "worker-2") == before
        }
        await verdicts.expect("mended, rollout retry goes on to the end") {
            try await faults.startKubelet()
            let code = try await cluster.jeeves("rollout", "retry")
            return try await cluster.serves(after: code, following: file.channel)
        }
    }

    private func upWhileItDies(_ file: ClusterText) async throws -> Int32 {
        try await cluster.up(to: file) {
            try await cluster.wait("worker-1 is right with \(file.channel)") {
                let view = try await cluster.look.view(of: "worker-1")
                return view.isRight && view.channel == file.channel
            }
            try await Task.sleep(for: Self.rightFor)
            try await faults.stopKubelet()
            say("the kubelet of worker-1 is gone for good")
        }
    }
}
