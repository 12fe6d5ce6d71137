import Foundation
import Model
import Outside

/// Two coordinators at once: of one state folder, and of a copy of it at another port.
struct TwoCoordinators {
    private static let copy = "\(Operator.folder)/copy"

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        file.addressPorts = [7443, 7444]
        guard await cluster.begins(file, &verdicts) else { return }
        await verdicts.expect("beside jeeves serve a second one ends with 6, and --wait follows it")
        {
            try await beside()
        }
        var before: [NodeView] = []
        await verdicts.expect("a copy of the state folder is refused by every agent, and says so") {
            before = try await cluster.look.workers()
            return try await copyIsRefused(file)
        }
        await verdicts.expect("no worker has obeyed the copy") {
            try await cluster.look.workers() == before
        }
        await verdicts.expect("the original drives on") {
            let code = try await cluster.jeeves("up")
            return try await cluster.serves(after: code)
        }
    }

    private func beside() async throws -> Bool {
        let serving = try await Serving.begin(cluster)
        defer { serving.kill() }
        let refused = try await cluster.jeeves("up")
        let waiting = try cluster.person.start(["jeeves", "up", "--wait"])
        defer { Spawn.kill(waiting) }
        try await Task.sleep(for: .seconds(5))
        let waits = Spawn.isAlive(waiting)
        let served = try await serving.end()
        let followed = try await cluster.ending(of: waiting)
        return refused == 6 && waits && served == 0 && followed == 0
    }

    /// The original serves while the copy, which takes itself for as new, wants another channel.
    private func copyIsRefused(_ file: ClusterText) async throws -> Bool {
        try? FileManager.default.removeItem(atPath: Self.copy)
        try await cluster.host.output("cp", ["--archive", Operator.project, Self.copy])
        var wish = file
        (wish.port, wish.packagePort, wish.channel) = (7444, 7482, "1.36/stable")
        try wish.write(in: Self.copy)
        let serving = try await Serving.begin(cluster)
        defer { serving.kill() }
        let up = try cluster.person.start(["jeeves", "up"], in: Self.copy)
        defer { Spawn.kill(up) }
        // The agents stay with the original until it is gone; then they find the copy.
        try await Task.sleep(for: .seconds(30))
        let waits = Spawn.isAlive(up)
        let served = try await serving.end()
        let code = try await cluster.ending(of: up)
        let status = try await ofCopy("rollout", "status", "--output", "json")
        try FileManager.default.removeItem(atPath: Self.copy)
        return waits && served == 0 && code != 0 && status.contains("of another run")
    }

    private func ofCopy(_ words: String...) async throws -> String {
        try await cluster.person.read(
            ["jeeves"] + words + ["--file", "\(Self.copy)/jeeves.yaml"],
            deadline: LiveCluster.askMax
        ).output
    }
}
