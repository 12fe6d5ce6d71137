/// After the canary two workers change at once, while people use the chat.
struct WholeBatches {
    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        (file.workers, file.batch) = (3, 2)
        guard await cluster.begins(file, &verdicts) else { return }
        file.channel = "1.35/stable"
        var seen: Load.Tally?
        await verdicts.expect("MicroK8s changes on all, under load") {
            var code = Int32(-1)
            seen = try await Load(person: cluster.person).beside("batches of two workers") {
                code = try await cluster.up(to: file)
            }
            return try await cluster.serves(after: code, following: file.channel)
        }
        await verdicts.expect("the canary alone first, then the other two together") {
            let events = try await cluster.printed(
                "events", "--subject", "batch/workers", "--since", "30m")
            return events.contains("batch 1 of 2: worker-1\n")
                && events.contains("batch 2 of 2: worker-2, worker-3\n")
        }
        await verdicts.expect("nobody saw an outage (\(Int(Upgrade.gapMax)) s without an answer)") {
            seen.map { $0.gap < Upgrade.gapMax } ?? false
        }
    }
}
