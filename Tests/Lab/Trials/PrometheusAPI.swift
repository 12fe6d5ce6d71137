import Model

/// What Prometheus' HTTP API is asked (prometheus.io/docs/prometheus/latest/querying/api).
struct PrometheusAPI: Sendable {
    let cluster: LiveCluster
    /// In the operator's network.
    let address: String

    /// Series by an expression, as they are now. Throws `failed` with what Prometheus has against
    /// the expression.
    func series(_ expression: String) async throws -> [PrometheusAnswer.Series] {
        try await ask(
            "query", ["--data-urlencode", "query=\(expression)"], PrometheusAnswer.Vector.self
        ).result
    }

    /// The nodes that an expression has series of.
    func nodes(_ expression: String) async throws -> [String] {
        try await series(expression).map { $0.metric["node"] ?? "" }.sorted()
    }

    /// The value of the one series that an expression has. Throws `failed` if it has another number
    /// of them.
    func value(_ expression: String) async throws -> Double {
        let found = try await series(expression)
        guard let first = found.first, found.count == 1 else {
            throw Failure(.failed, "asking for \(expression): \(found.count) series, not one")
        }
        return first.value
    }

    func targets() async throws -> [PrometheusAnswer.Target] {
        try await ask("targets", [], PrometheusAnswer.Targets.self).activeTargets
    }

    func rules() async throws -> [PrometheusAnswer.Rule] {
        try await ask("rules", [], PrometheusAnswer.Rules.self).groups.flatMap(\.rules)
    }

    /// Those that are pending or firing.
    func alerts() async throws -> [PrometheusAnswer.Alert] {
        try await ask("alerts", [], PrometheusAnswer.Alerts.self).alerts
    }

    /// Waits until there is one alert of this name, and it is pending or, if that is asked for,
    /// firing. Throws `timeout`.
    @discardableResult
    func raised(
        _ name: String, _ state: String? = nil, atMost limit: Duration = .seconds(90)
    ) async throws -> PrometheusAnswer.Alert {
        var alert: PrometheusAnswer.Alert?
        try await cluster.wait("\(name) is raised", atMost: limit, every: .seconds(2)) {
            let found = try await alerts().filter { $0.name == name }
            alert = found.count == 1 ? found[0] : nil
            return alert.map { $0.state == state ?? $0.state } ?? false
        }
        guard let alert else {
            throw Failure(.failed, "reading \(name): it is gone again")
        }
        let labels = alert.labels.map { "\($0)=\($1)" }.sorted().joined(separator: " ")
        say("\(alert.state): \(labels); \(alert.annotations["summary"] ?? "")")
        return alert
    }

    private func ask<Value: Decodable>(
        _ path: String, _ parameters: [String], _ type: Value.Type
    ) async throws -> Value {
        let command = [
            "--net=\(Layout.namespacePath)", "curl", "--silent", "--show-error", "--max-time", "10",
            "--get", "http://\(address)/api/v1/\(path)",
        ]
        let text = try await cluster.host.output("nsenter", command + parameters)
        let answer = try JSON.decode(
            PrometheusAnswer.Envelope<Value>.self, from: text.utf8, what: "Prometheus' answer")
        guard let data = answer.data else {
            let asked = ([path] + parameters.suffix(1)).joined(separator: " ")
            throw Failure(
                .failed, "asking Prometheus for \(asked): \(answer.error ?? answer.status)")
        }
        return data
    }
}
