import Model
import Outside
import Tools

/// The application: its namespace, its database's Secret, and Helm's release of it.
struct App: Stage {
    let name = StageName.app

    func plan(_ run: StageRun) async throws -> [Change] {
        let wish = try AppWish(run, saving: false)
        guard let cluster = try await ClusterAccess.ifReachable(run) else {
            return [.unknown("release/\(run.cluster.app.release)", until: .workers)]
        }
        var changes: [Change] = []
        let secret = AppSecret(wish: wish, cluster: cluster)
        // Of a Secret that will be written anew the version is not known, only that it is another.
        var version = "new"
        if try await secret.isRight() {
            version = try await secret.version()
        } else {
            changes.append(Change(.update, "secret/\(ChartValues.mongodbSecret)"))
        }
        let mark = ReleaseMark(wish: wish.digest, secret: version)
        return try await changes + AppRelease(wish: wish, cluster: cluster).changes(to: mark)
    }

    func content(_ run: StageRun) throws -> Digest? { try AppWish(run, saving: false).digest }

    func run(_ run: StageRun) async throws -> String {
        let cluster = try await ClusterAccess.open(run)
        let wish = try AppWish(run, saving: true)
        let secret = AppSecret(wish: wish, cluster: cluster)
        try await secret.converge()
        let release = AppRelease(wish: wish, cluster: cluster)
        let mark = ReleaseMark(wish: wish.digest, secret: try await secret.version())
        let isRight = try await release.isRight(mark)
        var suspect: Digest?
        do {
            if isRight {
                try await release.awaitPods()
            } else {
                try await DatabaseCheck(wish: wish, cluster: cluster).run()
                suspect = wish.digest
                try await release.converge(mark)
            }
        } catch let failure as Failure {
            throw try run.holding(name, suspect, failure)
        }
        return isRight ? nothingToDo : "Rocket.Chat \(run.cluster.app.version)"
    }
}

/// The database's URI as a Secret of the cluster, under the key that the chart reads. It travels on
/// standard input and is compared in memory: no file, argument or log ever holds it.
struct AppSecret: Sendable {
    private struct Manifest: Encodable {
        struct Metadata: Encodable {
            let name: String
            var namespace: String?
        }
        struct Item: Encodable {
            let apiVersion = "v1"
            let kind: String
            let metadata: Metadata
            var stringData: [String: Secret]?
        }
        let apiVersion = "v1"
        let kind = "List"
        let items: [Item]
    }

    let wish: AppWish
    let cluster: ClusterAccess

    private var namespace: String { wish.cluster.app.namespace }

    /// What changes whenever the Secret does, and tells nothing of it; empty if there is none.
    func version() async throws -> String {
        wish.mongodbURI == nil ? "" : try await found()?.version ?? ""
    }

    func isRight() async throws -> Bool {
        guard let uri = wish.mongodbURI else { return true }
        return try await found()?.values[ChartValues.mongodbKey] == uri
    }

    func converge() async throws {
        guard let uri = wish.mongodbURI, try await !isRight() else { return }
        let manifest = Manifest(items: [
            .init(kind: "Namespace", metadata: .init(name: namespace)),
            .init(
                kind: "Secret",
                metadata: .init(name: ChartValues.mongodbSecret, namespace: namespace),
                stringData: [ChartValues.mongodbKey: uri]),
        ])
        let text = String(decoding: try JSON.encode(manifest), as: UTF8.self)
        _ = try await cluster.output(cluster.kubectl.apply(Secret(text)), op: "app.secret.apply")
    }

    private func found() async throws -> Kubectl.StoredSecret? {
        try Kubectl.secret(
            await cluster.output(
                cluster.kubectl.get("secret", ChartValues.mongodbSecret, namespace: namespace),
                op: "app.secret.get"))
    }
}
