import Model

/// Faults raise the alerts that are promised for them, and mended ones take them away again.
struct AlertsRaised {
    private static let worker = "worker-1"
    /// `next` is for who comes after the alert has waited: a node's word is believed for two
    /// minutes.
    private static let believedMax = Duration.seconds(180)

    let cluster: LiveCluster
    let prometheus: PrometheusAPI

    func play(_ verdicts: inout Verdicts) async {
        await node(&verdicts)
        await chat(&verdicts)
    }

    private func node(_ verdicts: inout Verdicts) async {
        let power = PowerSwitch(cluster: cluster)
        var next = ""
        await verdicts.expect("a worker that is off raises the alert of its agent, and no other's")
        {
            try await power.off(Self.worker)
            let alert = try await prometheus.raised("JeevesAgentAbsent")
            next = alert.annotations["next"] ?? ""
            return alert.labels["node"] == Self.worker && alert.labels["severity"] == "warning"
                && next == "jeeves why \(Self.worker)"
        }
        await verdicts.expect("the figures of its agent are gone, those of the others are not") {
            let others = ["controller-1", "worker-2"]
            try await cluster.wait("they are gone", atMost: .seconds(60)) {
                try await prometheus.nodes("jeeves_agent_open_fds") == others
            }
            return true
        }
        await verdicts.expect("what the alert says to type finds something wrong") {
            let command = next.split(separator: " ").map(String.init)
            guard !command.isEmpty else { return false }
            try await cluster.wait(
                "`\(next)` ends with 3", atMost: Self.believedMax, every: .seconds(15)
            ) { try await cluster.person.run(command, deadline: LiveCluster.askMax) == 3 }
            return true
        }
        await verdicts.expect("on again, it has no alert any more") {
            try await power.on(Self.worker)
            return try await isQuiet()
        }
    }

    private func chat(_ verdicts: inout Verdicts) async {
        await verdicts.expect("a record that leads elsewhere is, after three minutes, a chat down")
        {
            try await Zone(host: cluster.host).point(ClusterText.domain, at: Zone.elsewhere)
            let alert = try await prometheus.raised(
                "JeevesChatDown", "firing", atMost: .seconds(420))
            return alert.labels["part"] == "chat" && alert.labels["severity"] == "critical"
                && alert.annotations["next"] == "jeeves why"
        }
        await verdicts.expect("nobody is shown a certificate then, and the panel names the chat") {
            let served = "jeeves_served_certificate_expiry_timestamp_seconds"
            let wrong = try await prometheus.series("jeeves_part_state{state=\"wrong\"} == 1")
                .compactMap { $0.metric["part"] }
            say("wrong: \(wrong)")
            return try await prometheus.series(served).isEmpty
                && Set(["chat", "record"]).isSubset(of: wrong)
        }
        await verdicts.expect("once it leads back nothing is raised, and the chat serves") {
            let address = try Node.machine(of: "controller-1").publicAddress
            guard let address else { return false }
            try await Zone(host: cluster.host).point(ClusterText.domain, at: address)
            guard try await isQuiet() else { return false }
            return try await cluster.isLive()
        }
    }

    /// Pods come back, and the coordinator looks every minute.
    private func isQuiet() async throws -> Bool {
        try await cluster.wait(
            "no alert is pending or firing", atMost: .seconds(300), every: .seconds(5)
        ) { try await prometheus.alerts().isEmpty }
        return true
    }
}
