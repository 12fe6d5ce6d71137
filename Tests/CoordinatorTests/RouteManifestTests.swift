import Model
import Testing
import Tools

@testable import Coordinator

@Suite struct RouteManifestTests {
    private static func service(
        _ name: String, _ label: String, _ ports: [(String?, Int)], release: String = "rocketchat"
    ) -> Kubectl.Service {
        Kubectl.Service(
            name: name, ports: ports.map { .init(name: $0, port: $1) },
            selector: [
                "app.kubernetes.io/instance": release, "app.kubernetes.io/name": label,
            ])
    }

    static let chat = service("main", "rocketchat", [("http", 80), ("metrics", 9100)])
    static let streamer = service(
        "short-ddp", "rocketchat-ddp-streamer", [("http", 3000), ("metrics", 9458)])
    static let others = [
        service("rocketchat-nats", "nats", [("client", 4222)]),
        service("rocketchat-account", "rocketchat-account", [("metrics", 9458)]),
        service("main", "rocketchat", [("http", 80)], release: "other"),
        Kubectl.Service(name: "plain", ports: [.init(name: "http", port: 80)], selector: [:]),
    ]

    @Test("the routes are the golden ones: sockets to the streamer, all else to the application")
    func goldens() throws {
        let all = Self.others + [Self.streamer, Self.chat]
        #expect(
            try RouteManifest(exampleCluster(), services: all).render() == golden("routes.yaml"))
        let resolving = try RouteManifest(
            exampleCluster([("acme: false", "acme: true")]), services: all)
        #expect(resolving.render().contains("tls: {certResolver: jeeves}"))
    }

    @Test("ports without names are known by their numbers")
    func numbers() throws {
        let manifest = try RouteManifest(
            exampleCluster(),
            services: [
                Self.service("a", "rocketchat", [(nil, 80)]),
                Self.service("b", "x-ddp-streamer", [(nil, 9458), (nil, 3000)]),
            ])
        #expect(manifest.chat == .init(name: "a", port: 80))
        #expect(manifest.streamer == .init(name: "b", port: 3000))
    }

    @Test("a missing service, and one that is not clear, are named with what there is")
    func unclear() throws {
        let cluster = try exampleCluster()
        let missing = #expect(throws: Failure.self) {
            try RouteManifest(cluster, services: [Self.chat] + Self.others)
        }
        #expect(missing?.code == .notFound)
        #expect(missing?.message.contains("rocketchat-nats") == true)
        let twice = Self.service("second", "rocketchat-second", [("http", 80)])
        let unclear = #expect(throws: Failure.self) {
            try RouteManifest(cluster, services: [Self.chat, Self.streamer, twice])
        }
        #expect(unclear?.code == .conflict)
    }
}
