import Model

/// Changes are taken back, and what was taken back is not done again by itself.
struct Undone {
    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var file = cluster.base
        file.app = "8.6.2"
        await undo("an upgrade of Rocket.Chat", file, &verdicts) {
            let images = try await cluster.look.appImages()
            return images.contains(":\(cluster.base.app)") && !images.contains(":8.6.2")
        }
        file = cluster.base
        file.channel = "1.35/stable"
        await undo("another channel of MicroK8s", file, &verdicts) {
            try await cluster.look.allFollow(cluster.base.channel)
        }
    }

    private func undo(
        _ what: String, _ file: ClusterText, _ verdicts: inout Verdicts,
        until isBack: () async throws -> Bool
    ) async {
        await verdicts.expect("\(what) is live") { try await cluster.up(to: file) == 0 }
        await verdicts.expect("\(what) is undone") {
            let code = try await cluster.jeeves("rollout", "undo", "--yes")
            guard try await cluster.serves(after: code) else { return false }
            return try await isBack()
        }
        await verdicts.expect("up refuses with 7 what was undone") {
            try await cluster.jeeves("up") == 7
        }
        await verdicts.expect("up with the earlier cluster file has nothing against it") {
            try await cluster.up(to: cluster.base) == 0
        }
    }
}
