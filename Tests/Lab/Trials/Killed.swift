import Foundation
import Model
import Outside

/// The coordinator is killed again and again while all stages have something to do.
///
/// A run needs a while to become the coordinator and to hear from all agents, so each is let live
/// twenty seconds longer than the one before: every twenty seconds of a whole run have their kill.
struct Killed {
    private static let step = Duration.seconds(20)
    private static let killsMax = 40

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var file = cluster.base
        file.workers = 3
        file.channel = "1.35/stable"
        file.traefik = Images.traefikRevision
        file.app = "8.6.2"
        var revision = 0
        var kills = 0
        await verdicts.expect("jeeves up is killed every 20 s until one run ends with 0") {
            revision = try await helmRevision()
            try cluster.write(file)
            kills = try await killUntilDone()
            return kills > 0
        }
        await verdicts.expect("the chat serves, and no change is left") {
            let code = try await cluster.jeeves("plan", "--detailed-exitcode")
            return try await cluster.serves(after: code)
        }
        await verdicts.expect("Helm has made one revision more") {
            try await helmRevision() == revision + 1
        }
        await verdicts.expect("no machine is there twice, and each is a member once") {
            let machines = try Node.all().count
            let members = try await cluster.look.members().sorted()
            say("\(machines) machines, members \(members.joined(separator: ", "))")
            return machines == file.workers + 1
                && members == ["controller-1", "worker-1", "worker-2", "worker-3"]
        }
        await verdicts.expect("the name has one address") {
            let found = try await cluster.host.output(
                "ip", ["netns", "exec", Layout.namespace, "getent", "ahostsv4", ClusterText.domain])
            let addresses = Set(
                found.split(separator: "\n").compactMap { $0.split(separator: " ").first })
            return addresses.count == 1
        }
    }

    /// Returns how often it was killed. Throws `failed` if a run ends otherwise by itself.
    private func killUntilDone() async throws -> Int {
        for kills in 0..<Self.killsMax {
            let patience = Self.step * (kills + 1)
            switch await Spawn.wait(for: try cluster.beginUp(), deadline: patience) {
            case .exited(0): return kills
            case nil: say("killed jeeves up after \(patience.shortText)")
            case .exited(let code): throw Failure(.failed, "up ended by itself with \(code)")
            case .signalled(let signal): throw Failure(.failed, "up died of signal \(signal)")
            }
        }
        throw Failure(.timeout, "no run of jeeves up came to its end in \(Self.killsMax) tries")
    }

    private func helmRevision() async throws -> Int {
        struct Release: Decodable { let revision: Int }
        let text = try await cluster.printed(
            "helm", "--", "history", "rocketchat", "--namespace=psautoinfra", "--output=json")
        let releases = try JSON.decode([Release].self, from: text.utf8, what: "Helm's history")
        return releases.map(\.revision).max() ?? 0
    }
}
