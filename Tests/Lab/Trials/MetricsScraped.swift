import Foundation
import Model

/// A real Prometheus reads `jeeves serve`, with the alerts and the dashboard that the package has.
struct MetricsScraped {
    private static let edge = "controller-1"
    private static let nodes = [edge] + LiveCluster.workers
    /// A whole look of the coordinator, and an evaluation before and after it.
    private static let look = Duration.seconds(70)
    /// More than the coordinator's own look makes.
    private static let requests = 20
    /// Panels that have nothing to show of a cluster that serves.
    private static let emptyPanels = ["Parts that are wrong"]

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var serving: Serving?
        var prometheus: Prometheus?
        await verdicts.expect("Prometheus begins beside jeeves serve, set up as its guide says") {
            serving = try await Serving.begin(cluster)
            prometheus = try await Prometheus.begin(cluster)
            return true
        }
        if let prometheus {
            await names(prometheus.api, &verdicts)
            await values(prometheus.api, &verdicts)
            await quiet(prometheus, &verdicts)
            await AlertsRaised(cluster: cluster, prometheus: prometheus.api).play(&verdicts)
        }
        if let serving {
            await verdicts.expect("jeeves serve ends when it is told to") {
                try await serving.end() == 0
            }
        }
        if let prometheus {
            await verdicts.expect("without it no figure is left, and its absence is an alert") {
                try await prometheus.api.raised("JeevesCoordinatorAbsent")
                return try await prometheus.api.series("{__name__=~\"jeeves_.+\"}").isEmpty
            }
            await prometheus.end()
        }
    }

    private func names(_ prometheus: PrometheusAPI, _ verdicts: inout Verdicts) async {
        await verdicts.expect("the target is up, and every rule is evaluated without an error") {
            try await cluster.wait("all rules were evaluated", atMost: .seconds(30)) {
                try await prometheus.rules().allSatisfy { $0.health != "unknown" }
            }
            let (targets, rules) = (try await prometheus.targets(), try await prometheus.rules())
            for rule in rules where rule.health != "ok" {
                say("\(rule.name): \(rule.lastError ?? rule.health)")
            }
            return targets.count == 1
                && targets.allSatisfy { $0.health == "up" && $0.labels["job"] == "jeeves" }
                && !rules.isEmpty && rules.allSatisfy { $0.health == "ok" }
        }
        await verdicts.expect("each panel of the dashboard shows something, but the wrong parts") {
            // A rate needs two scrapes.
            try await cluster.wait("two scrapes", atMost: .seconds(30)) {
                try await prometheus.value("count_over_time(up{job=\"jeeves\"}[5m])") >= 2
            }
            var empty: [String] = []
            for panel in try await Dashboard.read(cluster.person).panels {
                for target in panel.targets
                where try await prometheus.series(target.expr).isEmpty {
                    say("\(panel.title): \(target.expr) has no series")
                    empty.append(panel.title)
                }
            }
            return empty == Self.emptyPanels
        }
        await verdicts.expect("each metric that an alert or the dashboard names is there") {
            let panels = try await Dashboard.read(cluster.person).panels
            let shown = panels.flatMap { $0.targets.map(\.expr) }
            let named = try await Self.metrics(in: shown + prometheus.rules().map(\.query))
            let every = "count by (__name__) ({__name__=~\"(jeeves|process)_.+\"})"
            let there = Set(try await prometheus.series(every).compactMap { $0.metric["__name__"] })
            let missing = named.subtracting(there).sorted()
            say("\(named.count) are named; missing: \(missing)")
            return !named.isEmpty && missing.isEmpty
        }
    }

    private func values(_ prometheus: PrometheusAPI, _ verdicts: inout Verdicts) async {
        await verdicts.expect("every node has its figures, and HAProxy's are the edge's alone") {
            let ofEach = [
                "jeeves_agent_cpu_seconds_total > 0", "jeeves_agent_resident_memory_bytes > 0",
                "jeeves_agent_open_fds > 0", "jeeves_node_steps{state=\"right\"} > 0",
                "time() - jeeves_node_reported_timestamp_seconds < 120",
            ]
            let ofEdge = [
                "jeeves_haproxy_connections >= 0", "jeeves_haproxy_connections_max > 0",
                "jeeves_certificate_orders_left >= 0",
            ]
            let each = try await deviations(from: Self.nodes, of: ofEach, prometheus)
            let edge = try await deviations(from: [Self.edge], of: ofEdge, prometheus)
            let linked = try await prometheus.value("jeeves_links")
            return (each + edge).isEmpty && linked == Double(Self.nodes.count)
        }
        await verdicts.expect("what clients are shown is what the edge holds, and is not due yet") {
            let shown = "jeeves_served_certificate_expiry_timestamp_seconds"
            let held = "jeeves_certificate_expiry_timestamp_seconds{node=\"\(Self.edge)\"}"
            let left = try await prometheus.value("jeeves_served_certificate_lifetime_left_ratio")
            let ahead = try await prometheus.value("\(shown) - time()")
            say("left of it: \(left), \(ahead) s")
            let same = try await prometheus.series("\(held) == on(name) \(shown)")
            return same.count == 1 && ahead > 0 && left > 0.25 && left <= 1
        }
        await verdicts.expect("HAProxy counts what is asked of the edge") {
            try await grows("jeeves_haproxy_requests_total", by: Self.requests, prometheus) {
                for _ in 0..<Self.requests { _ = try await cluster.isLive() }
            }
        }
        await verdicts.expect("the tunnels' bytes grow as kubectl is used") {
            try await grows("jeeves_tunnel_bytes_total", by: 1, prometheus) {
                _ = try await cluster.look.members()
            }
        }
    }

    private func quiet(_ prometheus: Prometheus, _ verdicts: inout Verdicts) async {
        await verdicts.expect("in a minute no alert is even pending") {
            try await Task.sleep(for: Self.look)
            let seen = "count by (alertname) (count_over_time(ALERTS[1m]))"
            let raised = try await prometheus.api.series(seen).compactMap { $0.metric["alertname"] }
            say("pending or firing within a minute: \(raised)")
            return raised.isEmpty
        }
        await verdicts.expect("no scrape has failed, and Prometheus has nothing to complain of") {
            let complaints = try prometheus.complaints()
            say(complaints)
            let least = try await prometheus.api.value("min_over_time(up{job=\"jeeves\"}[10m])")
            return complaints.isEmpty && least == 1
        }
    }

    private static func metrics(in expressions: [String]) -> Set<String> {
        let words = expressions.flatMap { expression in
            expression.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
        }
        return Set(words.filter { $0.hasPrefix("jeeves_") || $0.hasPrefix("process_") })
    }

    /// The expressions that do not have one series of each of these nodes.
    private func deviations(
        from wanted: [String], of expressions: [String], _ prometheus: PrometheusAPI
    ) async throws -> [String] {
        var found: [String] = []
        for expression in expressions {
            let nodes = try await prometheus.nodes(expression)
            guard nodes != wanted else { continue }
            say("\(expression): of \(nodes), not of \(wanted)")
            found.append(expression)
        }
        return found
    }

    /// The agents are asked at most every ten seconds.
    private func grows(
        _ counter: String, by least: Int, _ prometheus: PrometheusAPI,
        _ use: () async throws -> Void
    ) async throws -> Bool {
        let before = try await prometheus.value(counter)
        try await use()
        try await cluster.wait("\(counter) has grown by \(least)", atMost: .seconds(40)) {
            try await prometheus.value(counter) >= before + Double(least)
        }
        return true
    }
}
