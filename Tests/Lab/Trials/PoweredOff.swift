/// A worker goes off in the middle of its batch, and comes back to another wish than it knew.
struct PoweredOff {
    private static let name = "worker-1"
    /// How long its batch may take: a dead worker must not hold up the scenario for half an hour.
    private static let deadlineSeconds = 240

    let cluster: LiveCluster
    private var power: PowerSwitch { PowerSwitch(cluster: cluster) }

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        file.deadlineSeconds = Self.deadlineSeconds
        guard await cluster.begins(file, &verdicts) else { return }
        file.channel = "1.35/stable"
        var before: NodeView?
        await verdicts.expect("up ends when the worker of its batch goes off, and names it") {
            before = try await cluster.look.view(of: "worker-2")
            let code = try await upUntilOff(file)
            let failure = try await cluster.look.driving().failure
            return code != 0 && failure.contains("(\(Self.name))")
                && failure.contains("untouched: worker-2")
        }
        await verdicts.expect("the other worker has its generation and its revision still") {
            try await cluster.look.view(of: "worker-2") == before
        }
        await verdicts.expect("the chat serves") { try await cluster.isLive() }
        file.channel = "1.36/stable"
        await verdicts.expect("on again, it is led to the newest wish, and so are all others") {
            try await power.on(Self.name)
            let code = try await cluster.up(to: file)
            return try await cluster.serves(after: code, following: file.channel)
        }
    }

    private func upUntilOff(_ file: ClusterText) async throws -> Int32 {
        let known = try await cluster.look.view(of: Self.name).generation
        return try await cluster.up(to: file) {
            try await cluster.wait(
                "\(Self.name) has its new spec", every: .milliseconds(200)
            ) { try await cluster.look.view(of: Self.name).generation > known }
            try await power.off(Self.name)
        }
    }
}
