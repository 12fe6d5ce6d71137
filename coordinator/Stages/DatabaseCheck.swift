import Model
import Outside
import Tools

/// Looks at the database as the application will: from inside the cluster, with the same URI.
/// Helm's own deadline would tell a wrong password only as pods that never become ready.
struct DatabaseCheck: Sendable {
    static let pod = "jeeves-mongodb-check"
    /// Most of it is a first fetch of the image.
    static let deadline = Duration.seconds(180)

    /// What `mongosh` found.
    struct Report: Decodable {
        /// Name of the replica set; nil or empty if it is none.
        let set: String?
        let version: String?
        let error: String?
    }

    let wish: AppWish
    let cluster: ClusterAccess

    private var namespace: String { wish.cluster.app.namespace }

    /// Throws `unauthorized`, `unavailable`, `unsupported` or `invalid` for what is wrong with the
    /// database, `timeout` if the cluster could not run the look.
    func run() async throws {
        guard let external = wish.cluster.app.mongodb.external, !external.clientImage.isEmpty else {
            return
        }
        cluster.run.say("mongodb: looking at it from inside the cluster")
        try await delete()
        _ = try await cluster.output(
            cluster.kubectl.apply(Secret(manifest(external.clientImage))), op: "app.database.apply")
        do {
            let text = try await printed()
            try await delete()
            try judge(text, uriFile: external.uriFile)
        } catch let failure as Failure where failure.code == .timeout {
            let explained = await Diagnosis(
                cluster: cluster, namespace: namespace,
                selector: "app.kubernetes.io/name=\(Self.pod)"
            ).explain(failure)
            // What is wrong matters more than a pod that the next look takes away.
            try? await delete()
            throw explained
        }
    }

    private func delete() async throws {
        _ = try await cluster.output(
            cluster.kubectl.delete("pod", Self.pod, namespace: namespace),
            op: "app.database.delete", limits: Limits(deadline: .seconds(90)))
    }

    private func printed() async throws -> String {
        try await cluster.run.world.clock.poll(
            every: .seconds(1), atMost: Self.deadline, waitingFor: "the pod \(Self.pod) to end",
            op: "app.database.wait"
        ) {
            let pod = try await cluster.output(
                cluster.kubectl.get("pod", Self.pod, namespace: namespace), op: "app.database.get")
            guard try Kubectl.hasEnded(pod) else { return nil }
            return try await cluster.output(
                cluster.kubectl.logs(Self.pod, namespace: namespace), op: "app.database.logs")
        }
    }

    /// Rocket.Chat 8 has dropped MongoDB 5 and 6, and asks for 8.2.
    func judge(_ text: String, uriFile: String) throws {
        let tried = "checking MongoDB from inside the cluster"
        // A driver that does not understand the URI repeats it, password and all.
        func shown(_ words: String) -> Substring {
            cluster.run.redactor().clean(words).prefix(300)
        }
        let start = text.firstIndex(of: "{") ?? text.endIndex
        guard
            let report = try? JSON.decode(
                Report.self, from: text[start...].utf8, what: "mongosh's report")
        else {
            throw Failure(
                .failed, "\(tried): mongosh said \"\(shown(text))\"",
                fix: "mend `app.mongodb.external.clientImage`, or set it to \"\"")
        }
        if let error = report.error {
            let isRefused = error.contains("uthenticat") || error.contains("uthoriz")
            throw Failure(
                isRefused ? .unauthorized : .unavailable, "\(tried): \(shown(error))",
                fix: isRefused
                    ? "mend user and password in \(uriFile), and run `jeeves up`"
                    : "let the nodes reach the hosts that \(uriFile) names, and run `jeeves up`")
        }
        guard let set = report.set, !set.isEmpty else {
            throw Failure(
                .invalid, "\(tried): it is no member of a replica set, which Rocket.Chat needs",
                fix: "start mongod with --replSet and run rs.initiate() once")
        }
        let needed =
            (Version(wish.cluster.app.version) ?? Version(0, 0, 0)) < Version(8, 0, 0)
            ? Version(5, 0, 0) : Version(7, 0, 0)
        guard let version = report.version.flatMap({ Version($0) }), version >= needed else {
            throw Failure(
                .unsupported,
                "\(tried): it is version \(report.version ?? "unknown"), which Rocket.Chat "
                    + "\(wish.cluster.app.version) does not support",
                fix: "upgrade MongoDB to \(needed.text) or newer, best to 8.2")
        }
        cluster.run.say("mongodb: version \(version.text), replica set \(set)")
    }

    /// The URI comes from the Secret into the environment of that one container.
    private func manifest(_ image: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(Self.pod)
          namespace: \(namespace)
          labels: {app.kubernetes.io/name: \(Self.pod)}
        spec:
          restartPolicy: Never
          activeDeadlineSeconds: 600
          automountServiceAccountToken: false
          securityContext: {runAsNonRoot: true, runAsUser: 999, runAsGroup: 999}
          containers:
          - name: mongosh
            image: \(image)
            imagePullPolicy: \(wish.cluster.app.imagePullPolicy.rawValue)
            command: [mongosh, --nodb, --quiet, --eval]
            args:
            - |
              try {
                const db = connect(process.env.MONGO_URI);
                db.getCollectionNames();
                print(JSON.stringify({set: db.hello().setName, version: db.version()}));
              } catch (error) {
                print(JSON.stringify({error: error.message}));
              }
            env:
            - {name: HOME, value: /tmp}
            - name: MONGO_URI
              valueFrom:
                secretKeyRef: {name: \(ChartValues.mongodbSecret), key: \(ChartValues.mongodbKey)}
            securityContext:
              allowPrivilegeEscalation: false
              readOnlyRootFilesystem: true
              capabilities: {drop: [ALL]}
            volumeMounts:
            - {name: tmp, mountPath: /tmp}
          volumes:
          - {name: tmp, emptyDir: {}}

        """
    }
}
