import Model

/// What each node should be, as a pure function of the cluster file and what Terraform made.
enum NodeSpecs {
    /// The step that needs a ticket from the coordinator.
    static let joinStep = "join"
    /// The step that serves the certificate; of two the preferred one.
    static let certificateStep = "certificate"

    /// The steps of one node, in the order in which a person would do them.
    static func steps(
        of cluster: ClusterSpec, at place: Place, acme: ACMEFiles
    ) -> [StepSpec] {
        let first =
            place.hasEdge
            ? edgeSteps(of: cluster, acme: acme)
            : [step("packages", of: cluster, .packages(PackagesSpec(names: ["ca-certificates"])))]
        let join = place.join.map {
            step(joinStep, of: cluster, needs: ["microk8s"], .join($0))
        }
        return first + [kubernetes(of: cluster, at: place)] + (join.map { [$0] } ?? [])
    }

    /// Add-ons are the cluster's and not a node's: one node sees to them.
    private static func kubernetes(of cluster: ClusterSpec, at place: Place) -> StepSpec {
        step(
            "microk8s", of: cluster, needs: ["packages"],
            .microk8s(
                MicroK8sSpec(
                    role: place.role, channel: cluster.microk8s.channel,
                    addons: place.hasEdge ? cluster.microk8s.addons : [])))
    }

    /// Contents of the files that `certificate.acme` names.
    struct ACMEFiles: Sendable, Hashable {
        var caPEM = ""
        var trustPEM = ""
    }

    private static func edgeSteps(of cluster: ClusterSpec, acme: ACMEFiles) -> [StepSpec] {
        [
            step(
                "packages", of: cluster,
                .packages(
                    PackagesSpec(
                        names: ["ca-certificates", "certbot", "haproxy"],
                        masked: ["certbot.timer"]))),
            step(
                "haproxy", of: cluster, needs: ["packages"],
                .haproxy(
                    HAProxySpec(
                        domain: cluster.domain,
                        requestsPerTenSecondsMax: cluster.edge.requestsPerTenSecondsMax,
                        connectionsPerSourceMax: cluster.edge.connectionsPerSourceMax,
                        connectionsMax: cluster.edge.connectionsMax,
                        drain: .seconds(cluster.edge.drainSeconds)))),
        ] + certificates(of: cluster, acme: acme)
    }

    /// One step for each type of key, ECDSA's first whatever the order in the file.
    private static func certificates(of cluster: ClusterSpec, acme: ACMEFiles) -> [StepSpec] {
        let types = KeyType.allCases.filter(cluster.certificate.keyTypes.contains)
        return types.map { type in
            step(
                type == types.first ? certificateStep : "\(certificateStep)-\(type.rawValue)",
                of: cluster, needs: ["haproxy"],
                .certificate(
                    CertificateSpec(
                        domain: cluster.domain, email: cluster.certificate.email,
                        directory: cluster.certificate.acme.directoryURL, caPEM: acme.caPEM,
                        trustPEM: acme.trustPEM, keyType: type, keyTypes: types)))
        }
    }

    private static func step(
        _ id: String, of cluster: ClusterSpec, needs: [String] = [], _ body: StepBody
    ) -> StepSpec {
        StepSpec(
            id: StepID(unchecked: id), needs: needs.map(StepID.init(unchecked:)), body: body,
            drift: cluster.drift.policy(for: body))
    }
}

extension NodeSpec {
    var microk8s: MicroK8sSpec? {
        for case .microk8s(let microk8s) in steps.map(\.body) { return microk8s }
        return nil
    }

    /// What the node is to be a member of; nil if it founds the cluster.
    var join: JoinSpec? {
        for case .join(let join) in steps.map(\.body) { return join }
        return nil
    }
}
