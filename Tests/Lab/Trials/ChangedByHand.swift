import Foundation
import Model

/// What a person changes on a node is only told, or made right again, as the cluster file says.
struct ChangedByHand {
    /// What a person changes here.
    private struct Look: Equatable {
        let configuration: String
        /// How systemd has loaded the unit that Jeeves masks.
        let timer: String
    }

    private static let node = "controller-1"
    private static let configuration = "/etc/haproxy/haproxy.cfg"
    private static let own = "\(configuration).mine"
    /// An agent that knows of drift looks again after half a minute, any other after five.
    private static let twoPasses = Duration.seconds(70)
    private static let repairMax = Duration.seconds(330)

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        file.drift = "report"
        guard await cluster.begins(file, &verdicts) else { return }
        var (before, changed) = (Look(configuration: "", timer: ""), Look?.none)
        await verdicts.expect("an agent that starts anew calls drifted what a person changed") {
            before = try await look()
            try await shell(
                "sed --in-place 's/timeout connect 5s/timeout connect 7s/' \(Self.configuration)",
                "systemctl unmask certbot.timer", "systemctl restart jeeves-agent")
            changed = try await look()
            try await waitForDrift()
            return changed?.configuration != before.configuration && changed?.timer != before.timer
        }
        await verdicts.expect("status names both steps and shows the difference as a diff") {
            try await cluster.jeeves(
                "status", endsWith: 0,
                saying: [
                    "certbot.timer: not masked -> masked",
                    "-    timeout connect 7s", "+    timeout connect 5s",
                    "drifted: \(Self.node)/packages, \(Self.node)/haproxy.",
                ])
        }
        await verdicts.expect("two passes later it is as the person made it, and the chat serves") {
            try await Task.sleep(for: Self.twoPasses)
            guard try await look() == changed else { return false }
            return try await cluster.isLive()
        }
        await mend(before, changed, &verdicts)
        await repair(before, &verdicts)
    }

    private func mend(_ before: Look, _ changed: Look?, _ verdicts: inout Verdicts) async {
        await verdicts.expect("up mends the packages, and leaves an edited configuration alone") {
            let refused = try await cluster.jeeves(
                "up", endsWith: 7,
                saying: [
                    "batch 1 of 1 (\(Self.node))", "it was edited by hand",
                    "mv \(Self.configuration) \(Self.own)",
                ])
            let found = try await look()
            return refused && found.timer == before.timer
                && found.configuration == changed?.configuration
        }
        await verdicts.expect("moved away as that says, it is written anew by up") {
            try await shell("mv \(Self.configuration) \(Self.own)")
            let code = try await cluster.jeeves("up")
            guard try await look() == before else { return false }
            return try await cluster.serves(after: code)
        }
    }

    /// A change that is no edit: an edited configuration is nobody's to overwrite.
    private func repair(_ before: Look, _ verdicts: inout Verdicts) async {
        await verdicts.expect("without report an agent makes right by itself what is missing") {
            guard try await cluster.up(to: cluster.base) == 0 else { return false }
            try await shell(
                "rm -f \(Self.configuration) \(Self.own)", "systemctl unmask certbot.timer")
            try await cluster.wait(
                "\(Self.node) is as before", atMost: Self.repairMax, every: .seconds(15)
            ) { try await look() == before }
            return try await cluster.isLive()
        }
    }

    private func waitForDrift() async throws {
        try await cluster.wait(
            "two steps have drifted", atMost: .seconds(60), every: .seconds(5)
        ) {
            let steps = try await cluster.look.status(of: Self.node).steps
            say(steps.map { "\($0.id) \($0.state.word)" }.joined(separator: ", "))
            return steps.filter { $0.state.drift != nil }.map(\.id.rawValue) == [
                "packages", "haproxy",
            ]
        }
    }

    /// Says how it is.
    private func look() async throws -> Look {
        let configuration = try await shell("cat \(Self.configuration) 2>/dev/null || true")
        let timer = try await shell("systemctl show --property=LoadState --value certbot.timer")
        let connect = configuration.split(separator: "\n").first { $0.contains("timeout connect") }
        say(
            "\(Self.node): \(connect ?? "no configuration"), certbot.timer "
                + timer.trimmingCharacters(in: .newlines))
        return Look(configuration: configuration, timer: timer)
    }

    @discardableResult
    private func shell(_ commands: String...) async throws -> String {
        try await Node.machine(of: Self.node)
            .shell(commands.joined(separator: "\n"), on: cluster.host)
    }
}
