import Model
import Tools
import Trust

/// Everything that makes Traefik serve behind the edge, but its kinds: a pure function of the
/// cluster file, of the addresses from which the edge reaches a pod, and of Kubernetes' version.
struct TraefikManifest: Sendable, Hashable {
    static let namespace = "traefik"
    static let deployment = "traefik"
    /// Where the edge finds it on every controller; `HAProxySpec` names the same port.
    static let (webPort, websecurePort) = (30080, 30443)
    /// From this version on it reads EndpointSlices, before it Endpoints.
    private static let slicesMin = Version(3, 1, 0)
    private static let resolver = "jeeves"

    /// The old pipeline's certificate resolver: the edge ends TLS, so it is normally absent.
    struct Resolver: Sendable, Hashable {
        let email: String
        let directory: String
        static let storageClass = "microk8s-hostpath"
    }

    let version: Version
    let pullPolicy: ImagePullPolicy
    /// The only peers whose X-Forwarded-* headers are believed.
    let trusted: [String]
    /// Nil leaves the budget out, whose form depends on it.
    let kubernetes: Version?
    let resolver: Resolver?

    /// Throws `invalid` if the version is none: `jeeves validate` says so earlier.
    init(_ cluster: ClusterSpec, trusted: [String], kubernetes: Version?) throws {
        guard let version = Version(cluster.ingress.version) else {
            throw Failure(
                .invalid, "rendering Traefik: \"\(cluster.ingress.version)\" is not a version",
                fix: "mend `ingress.version`")
        }
        self.version = version
        pullPolicy = cluster.ingress.imagePullPolicy
        self.trusted = trusted.sorted()
        self.kubernetes = kubernetes
        resolver =
            cluster.ingress.acme
            ? Resolver(
                email: cluster.certificate.email,
                directory: cluster.certificate.acme.directoryURL) : nil
    }

    /// YAML documents in the order in which they must be made.
    func render() throws -> String {
        let configuration = try configuration()
        var documents = [namespace, account, role, configMap(configuration)]
        if resolver != nil { documents.append(claim) }
        documents += [readyRoute, deployment(Hash.sha256(configuration.utf8)), service]
        if let kubernetes { documents.append(try budget.render(for: kubernetes)) }
        return documents.joined(separator: "---\n")
    }

    /// Traefik's static configuration.
    private func configuration() throws -> String {
        let list = try trusted.map { try Self.quoted("\($0)/32") }.joined(separator: ", ")
        var text = """
            entryPoints:
              web:
                address: ":8000"
                forwardedHeaders:
                  trustedIPs: [\(list)]
              websecure:
                address: ":8443"
                forwardedHeaders:
                  trustedIPs: [\(list)]
            ping: {}
            providers:
              kubernetesCRD: {}
            log:
              level: INFO
            global:
              checkNewVersion: false
              sendAnonymousUsage: false

            """
        if let resolver {
            text += """
                certificatesResolvers:
                  \(Self.resolver):
                    acme:
                      email: \(try Self.quoted(resolver.email))
                      caServer: \(try Self.quoted(resolver.directory))
                      storage: /data/acme.json
                      httpChallenge:
                        entryPoint: web

                """
        }
        return text
    }

    private func configMap(_ configuration: String) -> String {
        let block = configuration.split(separator: "\n").map { "    \($0)" }
        return """
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: traefik
              namespace: \(Self.namespace)
            data:
              traefik.yml: |
            \(block.joined(separator: "\n"))

            """
    }

    private var namespace: String {
        """
        apiVersion: v1
        kind: Namespace
        metadata:
          name: \(Self.namespace)

        """
    }

    private var account: String {
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: traefik
          namespace: \(Self.namespace)

        """
    }

    private var role: String {
        let backends =
            version < Self.slicesMin
            ? "- {apiGroups: [\"\"], resources: [endpoints], verbs: [get, list, watch]}"
            : "- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}"
        return """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata:
              name: traefik
            rules:
            - apiGroups: [""]
              resources: [services, secrets, nodes, configmaps]
              verbs: [get, list, watch]
            - {apiGroups: [""], resources: [pods], verbs: [get]}
            \(backends)
            - apiGroups: [extensions, networking.k8s.io]
              resources: [ingresses, ingressclasses]
              verbs: [get, list, watch]
            - apiGroups: [extensions, networking.k8s.io]
              resources: [ingresses/status]
              verbs: [update]
            - apiGroups: [traefik.io]
              resources:
            \(Self.kinds.map { "  - \($0)" }.joined(separator: "\n"))
              verbs: [get, list, watch]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata:
              name: traefik
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: traefik}
            subjects:
            - {kind: ServiceAccount, name: traefik, namespace: \(Self.namespace)}

            """
    }

    /// What Traefik watches, as in `Manifests/traefik-crds.yaml`.
    static let kinds = [
        "ingressroutes", "ingressroutetcps", "ingressrouteudps", "middlewares", "middlewaretcps",
        "serverstransports", "serverstransporttcps", "tlsoptions", "tlsstores", "traefikservices",
    ]

    private var claim: String {
        """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: traefik
          namespace: \(Self.namespace)
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: \(Resolver.storageClass)
          resources: {requests: {storage: 128Mi}}

        """
    }

    private static func quoted(_ text: String) throws -> String {
        // A JSON string is a YAML string, whatever is in it.
        String(decoding: try JSON.encode(text), as: UTF8.self)
    }
}

/// The Deployment with its readiness, its budget and its Service.
extension TraefikManifest {
    private static let readyPath = "/ready"

    /// `/ping` answers as soon as Traefik listens, and then every route is a 404. This one is there
    /// only once Traefik has read the cluster's routes: it is one of them.
    private var readyRoute: String {
        """
        apiVersion: traefik.io/v1alpha1
        kind: IngressRoute
        metadata:
          name: jeeves-ready
          namespace: \(Self.namespace)
        spec:
          entryPoints: [traefik]
          routes:
          - match: Path(`\(Self.readyPath)`)
            kind: Rule
            services:
            - {kind: TraefikService, name: ping@internal}

        """
    }

    private var budget: DisruptionBudget {
        DisruptionBudget(
            name: Self.deployment, namespace: Self.namespace,
            selector: LabelSelector(["app.kubernetes.io/name": "traefik"]))
    }

    /// One replica with a resolver: its volume belongs to one node.
    private var replicas: Int { resolver == nil ? 2 : 1 }

    private func deployment(_ digest: Digest) -> String {
        let strategy =
            resolver == nil
            ? "{type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}"
            : "{type: Recreate}"
        let mount = resolver == nil ? "" : "\n        - {name: data, mountPath: /data}"
        let volume =
            resolver == nil
            ? "" : "\n      - {name: data, persistentVolumeClaim: {claimName: traefik}}"
        return """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: \(Self.deployment)
              namespace: \(Self.namespace)
              labels: {app.kubernetes.io/name: traefik}
            spec:
              replicas: \(replicas)
              strategy: \(strategy)
              selector:
                matchLabels: {app.kubernetes.io/name: traefik}
              template:
                metadata:
                  labels: {app.kubernetes.io/name: traefik}
                  # A change of the configuration starts new pods.
                  annotations: {checksum/configuration: "\(digest)"}
                spec:
                  serviceAccountName: traefik
                  terminationGracePeriodSeconds: 60
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 65532
                    runAsGroup: 65532
                    fsGroup: 65532
                  affinity:
                    podAntiAffinity:
                      preferredDuringSchedulingIgnoredDuringExecution:
                      - weight: 100
                        podAffinityTerm:
                          topologyKey: kubernetes.io/hostname
                          labelSelector:
                            matchLabels: {app.kubernetes.io/name: traefik}
                  containers:
                  - name: traefik
                    image: traefik:v\(version.text)
                    imagePullPolicy: \(pullPolicy.rawValue)
                    args: [--configFile=/etc/traefik/traefik.yml]
                    ports:
                    - {name: web, containerPort: 8000, protocol: TCP}
                    - {name: websecure, containerPort: 8443, protocol: TCP}
                    - {name: traefik, containerPort: 8080, protocol: TCP}
                    readinessProbe:
                      httpGet: {path: \(Self.readyPath), port: traefik}
                      periodSeconds: 5
                    livenessProbe:
                      httpGet: {path: /ping, port: traefik}
                      initialDelaySeconds: 10
                      periodSeconds: 10
                    resources:
                      requests: {cpu: 50m, memory: 64Mi}
                      limits: {memory: 256Mi}
                    securityContext:
                      allowPrivilegeEscalation: false
                      readOnlyRootFilesystem: true
                      capabilities: {drop: [ALL]}
                    volumeMounts:
                    - {name: configuration, mountPath: /etc/traefik, readOnly: true}\(mount)
                  volumes:
                  - {name: configuration, configMap: {name: traefik}}\(volume)

            """
    }

    /// Local: a pod that calls a controller's node port keeps its own address, so it is not taken
    /// for the edge. The edge itself, on the same node, still reaches every Traefik.
    private var service: String {
        """
        apiVersion: v1
        kind: Service
        metadata:
          name: traefik
          namespace: \(Self.namespace)
        spec:
          type: NodePort
          externalTrafficPolicy: Local
          selector: {app.kubernetes.io/name: traefik}
          ports:
          - {name: web, port: 80, targetPort: web, nodePort: \(Self.webPort), protocol: TCP}
          - {name: websecure, port: 443, targetPort: websecure, nodePort: \(Self.websecurePort), \
        protocol: TCP}

        """
    }
}
