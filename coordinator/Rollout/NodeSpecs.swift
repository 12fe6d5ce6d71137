import Model

/// What each node should be, as a pure function of the cluster file and what Terraform made.
enum NodeSpecs {
    /// The step that needs a ticket from the coordinator.
    static let joinStep = "join"
    /// The step that serves the certificate; of two the preferred one.
    static let certificateStep = "certificate"

    /// The steps of one node, in the order in which a person would do them. `controllerAddress` is
    /// where workers join.
    static func steps(
        of cluster: ClusterSpec, role: MicroK8sSpec.Role, acme: ACMEFiles,
        controllerAddress: String
    ) -> [StepSpec] {
        switch role {
        case .controller:
            edgeSteps(of: cluster, acme: acme) + [
                kubernetes(of: cluster, role: role, addons: cluster.microk8s.addons)
            ]
        case .worker:
            [
                step("packages", of: cluster, .packages(PackagesSpec(names: ["ca-certificates"]))),
                kubernetes(of: cluster, role: role, addons: []),
                step(
                    joinStep, of: cluster, needs: ["microk8s"],
                    .join(JoinSpec(controller: controllerAddress))),
            ]
        }
    }

    private static func kubernetes(
        of cluster: ClusterSpec, role: MicroK8sSpec.Role, addons: [String]
    ) -> StepSpec {
        step(
            "microk8s", of: cluster, needs: ["packages"],
            .microk8s(
                MicroK8sSpec(role: role, channel: cluster.microk8s.channel, addons: addons)))
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
