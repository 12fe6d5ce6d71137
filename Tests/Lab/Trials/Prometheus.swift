import Foundation
import Model
import Outside

/// A real Prometheus beside `jeeves serve`, set up as packaging/monitoring/README.md tells a person
/// to.
struct Prometheus: Sendable {
    private static let address = "127.0.0.1:9090"
    private static let folder = "\(Operator.folder)/prometheus"
    private static let configuration = "\(folder)/prometheus.yml"
    private static let log = "\(folder)/log"
    private static let endMax = Duration.seconds(30)
    /// A scrape may take the five seconds for which a silent agent is waited for.
    private static let pace = """
        global: {scrape_interval: 6s, scrape_timeout: 6s, evaluation_interval: 2s}

        """

    let cluster: LiveCluster
    private let child: ChildID

    var api: PrometheusAPI { PrometheusAPI(cluster: cluster, address: Self.address) }

    /// Returns once it has read that every agent is connected. Throws `failed` if promtool refuses
    /// the configuration, `timeout` if it does not read that, and leaves nothing behind then.
    static func begin(_ cluster: LiveCluster) async throws -> Prometheus {
        try? FileManager.default.removeItem(atPath: folder)
        try writeFile(pace + advised(), to: configuration)
        try await check(cluster)
        let command = [
            "prometheus", "--config.file=\(configuration)", "--storage.tsdb.path=\(folder)/data",
            "--web.listen-address=\(address)", "--log.level=warn",
        ]
        let prometheus = Prometheus(
            cluster: cluster,
            child: try cluster.person.start(
                command, in: folder, streams: Spawn.Streams(output: log, errors: log)))
        do { try await prometheus.ready() } catch {
            await prometheus.end()
            throw error
        }
        return prometheus
    }

    /// However it ends: what it has stored is needed no more.
    func end() async {
        kill(child.pid, SIGTERM)
        _ = await Spawn.wait(for: child, deadline: Self.endMax)
    }

    /// What it has logged: warnings and errors.
    func complaints() throws -> String { try String(contentsOfFile: Self.log, encoding: .utf8) }

    private func ready() async throws {
        try await cluster.wait(
            "Prometheus reads that every agent is connected", atMost: .seconds(120)
        ) {
            guard Spawn.isAlive(child) else {
                throw Failure(.failed, "starting prometheus: it ended", fix: try complaints())
            }
            let linked = try? await api.nodes("jeeves_node_linked == 1")
            return linked?.count == LiveCluster.workers.count + 1
        }
    }

    /// The one YAML document of the guide.
    private static func advised() throws -> String {
        let guide = try String(contentsOfFile: Layout.monitoringGuide, encoding: .utf8)
        let pieces = guide.split(separator: "```yaml\n")
        guard pieces.count == 2, let document = pieces[1].split(separator: "```").first else {
            throw Failure(
                .invalid, "reading \(Layout.monitoringGuide): \(pieces.count - 1) YAML documents")
        }
        return String(document)
    }

    private static func check(_ cluster: LiveCluster) async throws {
        let command = ["promtool", "check", "config", configuration]
        let checked = try await cluster.person.read(command, deadline: LiveCluster.askMax)
        say(checked.output + checked.errors)
        guard checked.succeeded else {
            throw Failure(.failed, "checking \(configuration): \(checked.sentence)")
        }
    }
}
