import Model

/// The package's dashboard for Grafana: what its panels ask Prometheus for.
struct Dashboard: Decodable {
    struct Panel: Decodable {
        struct Target: Decodable { let expr: String }

        let title: String
        let targets: [Target]
    }

    private static let path = "/usr/share/jeeves/monitoring/dashboard.json"

    let panels: [Panel]

    static func read(_ person: Operator) async throws -> Dashboard {
        let read = try await person.read(["cat", path], deadline: LiveCluster.askMax)
        return try JSON.decode(Dashboard.self, from: read.output.utf8, what: path)
    }
}
