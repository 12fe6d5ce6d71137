/// `jeeves why` names each of four causes that were really made, and none once it is mended.
struct CausesFound {
    private static let worker = "worker-1"
    private static let edge = "controller-1"
    /// A version that no node has images of.
    private static let missing = "8.9.9"

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        // Else the agent starts what a person stops.
        file.drift = "report"
        guard await cluster.begins(file, &verdicts) else { return }
        await verdicts.expect("of a cluster that serves it finds nothing wrong") {
            try await cluster.jeeves(
                "why", endsWith: 0, saying: ["Nothing is wrong with cluster chat."])
        }
        await agent(&verdicts)
        await proxy(&verdicts)
        await record(&verdicts)
        await images(&verdicts)
    }

    private func agent(_ verdicts: inout Verdicts) async {
        await verdicts.expect("an agent that was stopped is why nobody can say how its node is") {
            try await shell("systemctl stop jeeves-agent", on: Self.worker)
            return try await cluster.jeeves(
                "why", endsWith: 3,
                saying: [
                    "node/\(Self.worker) ← agent/\(Self.worker)", "it is not connected",
                    "the cause is agent/\(Self.worker) (wrong)",
                    "on the node: journalctl -u jeeves-agent",
                ])
        }
        await verdicts.expect("started again, nothing is wrong") {
            try await shell("systemctl start jeeves-agent", on: Self.worker)
            return try await isMended()
        }
    }

    private func proxy(_ verdicts: inout Verdicts) async {
        await verdicts.expect("HAProxy that was stopped is what keeps the chat from being right") {
            // An agent that starts anew looks at once.
            try await shell(
                "systemctl stop haproxy", "systemctl restart jeeves-agent", on: Self.edge)
            try await cluster.wait("haproxy has drifted", atMost: .seconds(60)) {
                try await cluster.look.status(of: Self.edge).steps.contains {
                    $0.id.rawValue == "haproxy" && $0.state.drift != nil
                }
            }
            return try await cluster.jeeves(
                "why", "https://\(ClusterText.domain)", endsWith: 3,
                saying: [
                    "chat ← haproxy/\(Self.edge)",
                    "haproxy.service: not answering -> answering",
                    "the cause is haproxy/\(Self.edge) (wrong)",
                ])
        }
        await verdicts.expect("up starts it, and nothing is wrong") {
            let code = try await cluster.jeeves("up")
            guard try await cluster.serves(after: code) else { return false }
            return try await isMended()
        }
    }

    private func record(_ verdicts: inout Verdicts) async {
        await verdicts.expect("a record that leads elsewhere is what keeps the chat away") {
            try await Zone(host: cluster.host).point(ClusterText.domain, at: Zone.elsewhere)
            return try await cluster.jeeves(
                "why", endsWith: 3,
                saying: [
                    "chat ← record", "\(ClusterText.domain) -> \(Zone.elsewhere)",
                    "the cause is record (wrong)", "jeeves dns show",
                ])
        }
        await verdicts.expect("dns sync --take-dns points it back, and nothing is wrong") {
            guard try await cluster.jeeves("dns", "sync", "--take-dns") == 0 else { return false }
            return try await isMended()
        }
    }

    private func images(_ verdicts: inout Verdicts) async {
        await verdicts.expect("a version without images is found in the pods that wait for it") {
            var file = cluster.base
            (file.app, file.appSeconds) = (Self.missing, 60)
            guard try await cluster.up(to: file) != 0 else { return false }
            return try await cluster.jeeves(
                "why", "app", endsWith: 3,
                saying: ["app ← service/rocketchat", "ErrImageNeverPull", ":\(Self.missing)"])
        }
        await verdicts.expect("with the version of before, nothing is wrong") {
            let code = try await cluster.up(to: cluster.base)
            guard try await cluster.serves(after: code) else { return false }
            return try await isMended()
        }
    }

    /// What was mended may need a moment to be seen so: an agent connects, old pods go.
    private func isMended() async throws -> Bool {
        try await cluster.wait(
            "why finds nothing wrong", atMost: .seconds(180), every: .seconds(10)
        ) { try await cluster.jeeves("why") == 0 }
        return true
    }

    private func shell(_ commands: String..., on node: String) async throws {
        try await Node.machine(of: node).shell(
            commands.joined(separator: "\n"), on: cluster.host)
    }
}
