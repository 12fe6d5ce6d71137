/// Switches workers off and on, and waits until it is so.
struct PowerSwitch: Sendable {
    private static let limit = Duration.seconds(120)

    let cluster: LiveCluster

    /// Returns when the account says that the worker is stopped.
    func off(_ worker: String) async throws {
        let node = try Node.machine(of: worker)
        try Power.signal(node.id, number: 4)
        try await cluster.wait("\(worker) is off", atMost: Self.limit) {
            try Node.all().allSatisfy { $0.id != node.id }
        }
        say("\(worker) (\(node.id)) is off")
    }

    /// Returns when its agent has looked at the node.
    func on(_ worker: String) async throws {
        try await Power.on(worker, host: cluster.host)
        try await cluster.wait("\(worker) is on", atMost: Self.limit) {
            (try? await cluster.look.view(of: worker)) != nil
        }
        say("\(worker) is on again")
    }
}
