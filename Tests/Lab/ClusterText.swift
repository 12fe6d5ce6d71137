/// The cluster file that a person of the lab writes, and what scenarios change in it.
struct ClusterText: Sendable {
    static let domain = "chat.\(Layout.zone)"
    static let licence = "rocketchat.licence"

    /// The package of the agent.
    var agent: String
    var acmeServerCA = Layout.acmeServerCA
    var acmeRoot = Layout.acmeRoot
    /// Where this coordinator listens, and where the nodes look for one.
    var port = 7443
    var packagePort = 7480
    var addressPorts = [7443]
    var controllers = 1
    var workers = 1
    var channel = "1.34/stable"
    var traefik = Wheel.traefik.version
    var app = "8.6.1"
    /// How long Helm may wait for it.
    var appSeconds = 300
    var replicas = 1
    /// How many workers change at once.
    var batch = 1
    var stableSeconds = 30
    var deadlineSeconds = 1800
    var promotion = "automatic"
    /// What agents do about what a person changed, whatever the kind of step.
    var drift = "repair"
    /// Where Terraform's state is; empty for the state folder.
    var bucket = ""
    /// What HAProxy lets one source do in ten seconds.
    var requestsMax = 600
    /// The folder of the files with secrets; empty for that of the cluster file.
    var secrets = ""

    /// Writes it as `jeeves.yaml`; beside it the licence that more than one instance needs, unless
    /// secrets lie elsewhere.
    func write(in folder: String) throws {
        if secrets.isEmpty {
            try writeFile("of the lab\n", to: "\(folder)/\(Self.licence)", mode: 0o600)
        }
        try writeFile(text, to: "\(folder)/jeeves.yaml")
    }

    private func secret(_ name: String) -> String {
        secrets.isEmpty ? name : "\(secrets)/\(name)"
    }

    private var text: String {
        let addresses = addressPorts.map { "\"\(Layout.Address.operatorHost):\($0)\"" }
        return """
            cluster: chat
            domain: \(Self.domain)
            aws:
              region: \(Layout.region)
            coordinator:
              addresses: [\(addresses.joined(separator: ", "))]
              listen: 0.0.0.0:\(port)
              packagePort: \(packagePort)
            agent:
              package:
                file: \(agent)
            nodes:
              controllers:
                count: \(controllers)
              workers:
                count: \(workers)
            certificate:
              email: ops@\(Layout.zone)
              acme:
                directory: \(Layout.acmeDirectory)
                caFile: \(acmeServerCA)
                trustFile: \(acmeRoot)
            edge:
              requestsPerTenSecondsMax: \(requestsMax)
            microk8s:
              channel: \(channel)
            ingress:
              version: \(traefik)
              imagePullPolicy: Never
            app:
              chart:
                path: chart
              version: \(app)
              replicas: \(replicas)
              licenseFile: \(replicas > 1 ? secret(Self.licence) : "\"\"")
              imagePullPolicy: Never
              timeoutSeconds: \(appSeconds)
              mongodb:
                external:
                  uriFile: \(secret("mongodb.uri"))
            rollout:
              batch: \(batch)
              stableSeconds: \(stableSeconds)
              deadlineSeconds: \(deadlineSeconds)
              promotion: \(promotion)
            drift:
              packages: \(drift)
              haproxy: \(drift)
              microk8s: \(drift)
            terraform:
              backend: \(bucket.isEmpty ? "{}" : "{s3: {bucket: \(bucket)}}")

            """
    }
}
