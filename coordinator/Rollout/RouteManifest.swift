import Model
import Tools

/// The routes from Traefik to the application: a pure function of the cluster file and of the
/// services that Helm's release really made.
struct RouteManifest: Sendable, Hashable {
    /// Name and port of a service.
    struct Target: Sendable, Hashable {
        let name: String
        let port: Int
    }

    let domain: DomainName
    let namespace: String
    let chat: Target
    let streamer: Target
    /// Whether Traefik has a certificate resolver of its own.
    let hasResolver: Bool

    /// Finds the two services among all of the namespace by the release that their pods belong to;
    /// a name is never composed, because charts shorten and override names. Throws `notFound` if
    /// one is missing, `conflict` if it is not clear which one it is.
    init(_ cluster: ClusterSpec, services: [Kubectl.Service]) throws {
        let release = cluster.app.release
        let own = services.filter { $0.selector[Self.instanceLabel] == release }
        let serving = own.compactMap { service in
            Self.httpPort(service).map { (service, Target(name: service.name, port: $0)) }
        }
        let streamers = serving.filter { Self.isStreamer($0.0) }.map(\.1)
        let chats = serving.filter { !Self.isStreamer($0.0) }.map(\.1)
        chat = try Self.only(chats, "the main application", of: release, among: own)
        streamer = try Self.only(streamers, "the DDP streamer", of: release, among: own)
        domain = cluster.domain
        namespace = cluster.app.namespace
        hasResolver = cluster.ingress.acme
    }

    static let instanceLabel = "app.kubernetes.io/instance"

    /// Selects all that Helm made for a release.
    static func selector(of release: String) -> String { "\(instanceLabel)=\(release)" }

    private static let nameLabel = "app.kubernetes.io/name"

    private static func isStreamer(_ service: Kubectl.Service) -> Bool {
        service.selector[nameLabel]?.hasSuffix("ddp-streamer") ?? false
    }

    /// The port called `http`; a chart that names none has the well-known number.
    private static func httpPort(_ service: Kubectl.Service) -> Int? {
        let named = service.ports.first { $0.name == "http" }
        return (named ?? service.ports.first { [80, 3000].contains($0.port) })?.port
    }

    private static func only(
        _ found: [Target], _ what: String, of release: String, among services: [Kubectl.Service]
    ) throws -> Target {
        if let target = found.first, found.count == 1 { return target }
        let names = services.map(\.name).sorted().prefix(20).joined(separator: ", ")
        throw Failure(
            found.isEmpty ? .notFound : .conflict,
            "looking for the service of \(what) in release \(release): "
                + (found.isEmpty ? "there is none" : "there are \(found.count)")
                + " among \(names.isEmpty ? "no services" : names)",
            fix: "check `app.chart` and `app.release`, then run `jeeves up`")
    }

    /// YAML documents: one route for what the edge sends in plain HTTP, one for HTTPS inside.
    func render() -> String {
        let tls = hasResolver ? "\n  tls: {certResolver: jeeves}" : "\n  tls: {}"
        return [route("web", tls: ""), route("websecure", tls: tls)].joined(separator: "---\n")
    }

    private func route(_ entryPoint: String, tls: String) -> String {
        let host = "Host(`\(domain)`)"
        return """
            apiVersion: traefik.io/v1alpha1
            kind: IngressRoute
            metadata:
              name: jeeves-\(entryPoint)
              namespace: \(namespace)
            spec:
              entryPoints: [\(entryPoint)]
              routes:
              - match: \(host) && (PathPrefix(`/sockjs`) || PathPrefix(`/websocket`))
                kind: Rule
                priority: 100
                services:
                - name: \(streamer.name)
                  port: \(streamer.port)
                  # SockJS makes one session of many requests.
                  sticky: {cookie: {name: rc_ddp, httpOnly: true}}
              - match: \(host)
                kind: Rule
                priority: 10
                services:
                - name: \(chat.name)
                  port: \(chat.port)\(tls)

            """
    }
}
