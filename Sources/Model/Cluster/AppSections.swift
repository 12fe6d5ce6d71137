/// `microk8s`: which Kubernetes.
public struct MicroK8sSection: Section {
    /// Snap channel.
    public var channel: String
    /// Add-ons of the controllers, in the order in which they are enabled.
    public var addons: [String]

    public enum CodingKeys: String, CodingKey, CaseIterable { case channel, addons }

    public init() { (channel, addons) = ("1.34/stable", Self.addonsDefault) }

    static let addonsDefault = ["dns", "hostpath-storage", "rbac"]

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        channel = try file.decode(.channel, or: "1.34/stable")
        addons = try file.decode(.addons, or: Self.addonsDefault)
    }
}

/// `ingress`: Traefik behind the edge.
public struct IngressSection: Section {
    /// Version of the image `traefik`.
    public var version: String
    /// Renders the old pipeline's certificate resolver in Traefik; off, because the edge ends TLS.
    public var acme: Bool
    public var imagePullPolicy: ImagePullPolicy

    public enum CodingKeys: String, CodingKey, CaseIterable { case version, acme, imagePullPolicy }

    public init() { (version, acme, imagePullPolicy) = ("3.5.0", false, .ifNotPresent) }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        version = try file.decode(.version, or: "3.5.0")
        acme = try file.decode(.acme, or: false)
        imagePullPolicy = try file.decode(.imagePullPolicy, or: .ifNotPresent)
    }
}

/// When a node fetches an image, in Kubernetes' words.
public enum ImagePullPolicy: String, Codable, Hashable, Sendable, CaseIterable {
    case always = "Always"
    case ifNotPresent = "IfNotPresent"
    /// Only images that were loaded onto the nodes beforehand.
    case never = "Never"
}

/// `app`: Rocket.Chat.
public struct AppSection: Section {
    /// Where Helm finds the chart: a repository, or a folder of this machine.
    public struct Chart: Section {
        public var repository: String
        public var name: String
        public var version: String
        /// A local chart, instead of the three above.
        public var path: String

        public enum CodingKeys: String, CodingKey, CaseIterable {
            case repository, name, version, path
        }

        public init() {
            repository = "https://rocketchat.github.io/helm-charts"
            (name, version, path) = ("rocketchat", "7.0.2", "")
        }

        public init(from decoder: any Decoder) throws {
            let file = try decoder.container(keyedBy: CodingKeys.self)
            let standard = Chart()
            repository = try file.decode(.repository, or: standard.repository)
            name = try file.decode(.name, or: standard.name)
            version = try file.decode(.version, or: standard.version)
            path = try file.decode(.path, or: standard.path)
        }
    }

    /// Where the data lives: exactly one of the two.
    public struct MongoDB: Section {
        public struct External: Section {
            /// File with the connection URI, mode 0600.
            public var uriFile: String
            /// Image with `mongosh`, which looks at the database from inside the cluster before
            /// Helm runs; empty means that nobody looks.
            public var clientImage: String
            public enum CodingKeys: String, CodingKey, CaseIterable { case uriFile, clientImage }

            public init(from decoder: any Decoder) throws {
                let file = try decoder.container(keyedBy: CodingKeys.self)
                uriFile = try file.decode(String.self, forKey: .uriFile)
                clientImage = try file.decode(.clientImage, or: "mongo:8.2")
            }
        }

        public struct Bundled: Section {
            /// Storage class of the database's volume.
            public var storageClass: String
            public enum CodingKeys: String, CodingKey, CaseIterable { case storageClass }

            public init(from decoder: any Decoder) throws {
                let file = try decoder.container(keyedBy: CodingKeys.self)
                storageClass = try file.decode(.storageClass, or: "microk8s-hostpath")
            }
        }

        public var external: External?
        public var bundled: Bundled?

        public enum CodingKeys: String, CodingKey, CaseIterable { case external, bundled }
        public static let sections: [CodingKeys: any Section.Type] = [
            .external: External.self, .bundled: Bundled.self,
        ]
    }

    /// Helm release, which begins the names of all its objects.
    public var release: String
    public var namespace: String
    public var chart: Chart
    /// Version of Rocket.Chat: the image tag.
    public var version: String
    /// The stream hub service: required before 7.7.1, impossible from 8.0.
    public var streamHub: Bool
    /// Instances of each service; more than one needs a licence.
    public var replicas: Int
    /// File with the licence, mode 0600; empty means the community edition.
    public var licenseFile: String
    public var mongodb: MongoDB
    public var imagePullPolicy: ImagePullPolicy
    /// How long Helm may wait, in seconds.
    public var timeoutSeconds: Int

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case release, namespace, chart, version, streamHub, replicas, licenseFile, mongodb
        case imagePullPolicy, timeoutSeconds
    }

    public static let sections: [CodingKeys: any Section.Type] = [
        .chart: Chart.self, .mongodb: MongoDB.self,
    ]

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        release = try file.decode(.release, or: "rocketchat")
        namespace = try file.decode(.namespace, or: "psautoinfra")
        chart = try file.decode(.chart, or: Chart())
        version = try file.decode(.version, or: "8.6.1")
        streamHub = try file.decode(.streamHub, or: false)
        replicas = try file.decode(.replicas, or: 1)
        licenseFile = try file.decode(.licenseFile, or: "")
        mongodb = try file.decode(MongoDB.self, forKey: .mongodb)
        imagePullPolicy = try file.decode(.imagePullPolicy, or: .ifNotPresent)
        timeoutSeconds = try file.decode(.timeoutSeconds, or: 900)
    }
}
