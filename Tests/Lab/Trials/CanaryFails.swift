/// A change that fails on the first worker reaches no other one.
struct CanaryFails {
    let cluster: LiveCluster
    private var faults: Faults { Faults(worker: "worker-1", host: cluster.host) }

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        // The agent tries again and again; a failed try alone does not end a batch.
        file.deadlineSeconds = 240
        guard await cluster.begins(file, &verdicts) else { return }
        file.channel = "1.35/stable"
        var before: NodeView?
        await verdicts.expect("up fails, naming the batch, its worker and what is untouched") {
            before = try await cluster.look.view(of: "worker-2")
            try await faults.failDownloads()
            let code = try await cluster.up(to: file)
            let failure = try await cluster.look.driving().failure
            return [1, 5].contains(code) && failure.contains("batch 1 of 2 (worker-1)")
                && failure.contains("untouched: worker-2")
        }
        await verdicts.expect("the other worker has its generation and its revision still") {
            try await cluster.look.view(of: "worker-2") == before
        }
        await verdicts.expect("the chat serves") { try await cluster.isLive() }
        await verdicts.expect("up again refuses with 7") { try await cluster.jeeves("up") == 7 }
        await verdicts.expect("mended, rollout retry goes on to the end") {
            try await faults.clear()
            let code = try await cluster.jeeves("rollout", "retry")
            return try await cluster.serves(after: code, following: file.channel)
        }
    }
}
