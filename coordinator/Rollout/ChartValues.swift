import Model

/// The values of the Rocket.Chat chart, under the chart's own key names: a pure function of the
/// cluster file and its secrets.
struct ChartValues: Sendable, Hashable, Encodable {
    /// What is not written in the cluster file itself.
    struct Secrets: Sendable, Hashable {
        var license: Secret?
        /// Only with the bundled MongoDB.
        var passwords: DatabasePasswords?
    }

    struct Image: Sendable, Hashable, Encodable {
        var tag: String?
        let pullPolicy: ImagePullPolicy
    }

    struct MongoDB: Sendable, Hashable, Encodable {
        struct Authentication: Sendable, Hashable, Encodable {
            let rootPassword: Secret
            let passwords: [Secret]
            let replicaSetKey: Secret
        }

        struct Persistence: Sendable, Hashable, Encodable { let storageClass: String }

        let enabled: Bool
        var auth: Authentication?
        var persistence: Persistence?
    }

    struct Microservice: Sendable, Hashable, Encodable {
        var replicas: Int?
        let image: Image
    }

    struct Microservices: Sendable, Hashable, Encodable {
        let enabled: Bool
        let account, authorization, ddpStreamer, presence: Microservice
        /// The chart runs exactly one of it.
        var streamHub: Microservice?
    }

    struct Switch: Sendable, Hashable, Encodable { let enabled: Bool }

    struct NATS: Sendable, Hashable, Encodable {
        struct Cluster: Sendable, Hashable, Encodable {
            let enabled: Bool
            let replicas: Int
        }

        let cluster: Cluster
    }

    struct Probe: Sendable, Hashable, Encodable {
        let path: String
        let initialDelaySeconds: Int
    }

    let host: DomainName
    let replicaCount: Int
    let image: Image
    let license: Secret?
    let existingMongodbSecret: String?
    let mongodb: MongoDB
    let microservices: Microservices
    /// Absent where the version has none: the chart then refuses to render with it.
    let streamHub: Switch?
    let nats: NATS
    let livenessProbe: Probe
    let readinessProbe: Probe

    /// Secret in the application's namespace that holds `mongo-uri`, the key that the chart reads.
    static let mongodbSecret = "jeeves-mongodb"
    static let mongodbKey = "mongo-uri"
    private static let streamHubEnd = Version(8, 0, 0)
    /// From here on the application tells being alive and being ready apart.
    private static let probesMin = Version(7, 11, 0)
    private static let natsReplicas = 2

    /// Throws `invalid` if the version is none: `jeeves validate` says so earlier.
    init(_ cluster: ClusterSpec, secrets: Secrets) throws {
        let app = cluster.app
        guard let version = Version(app.version) else {
            throw Failure(
                .invalid, "rendering Helm's values: \"\(app.version)\" is not a version",
                fix: "mend `app.version`")
        }
        let hasHub = version < Self.streamHubEnd
        let plain = Image(pullPolicy: app.imagePullPolicy)
        let service = Microservice(replicas: app.replicas, image: plain)
        host = cluster.domain
        replicaCount = app.replicas
        image = Image(tag: app.version, pullPolicy: app.imagePullPolicy)
        license = secrets.license
        existingMongodbSecret = app.mongodb.external == nil ? nil : Self.mongodbSecret
        mongodb = MongoDB(
            enabled: app.mongodb.bundled != nil,
            auth: secrets.passwords.map {
                MongoDB.Authentication(
                    rootPassword: $0.root, passwords: [$0.user], replicaSetKey: $0.replicaSetKey)
            },
            persistence: app.mongodb.bundled.map {
                MongoDB.Persistence(storageClass: $0.storageClass)
            })
        microservices = Microservices(
            enabled: true, account: service, authorization: service, ddpStreamer: service,
            presence: service,
            streamHub: hasHub && app.streamHub ? Microservice(image: plain) : nil)
        streamHub = hasHub ? Switch(enabled: app.streamHub) : nil
        nats = NATS(cluster: NATS.Cluster(enabled: true, replicas: Self.natsReplicas))
        let (alive, ready) =
            version < Self.probesMin ? ("/health", "/health") : ("/livez", "/readyz")
        // A first start makes the database's indexes: on small nodes it takes minutes, and a pod
        // that is killed meanwhile begins anew.
        livenessProbe = Probe(path: alive, initialDelaySeconds: 180)
        readinessProbe = Probe(path: ready, initialDelaySeconds: 10)
    }

    /// JSON, which is YAML too. Holds secrets: for standard input only.
    func render() throws -> Secret {
        Secret(String(decoding: try JSON.encode(self), as: UTF8.self))
    }
}

/// Passwords of the bundled MongoDB: made once and kept for every upgrade, because the database
/// keeps those of its first start.
struct DatabasePasswords: Sendable, Hashable, Codable {
    let root: Secret
    let user: Secret
    let replicaSetKey: Secret
}
