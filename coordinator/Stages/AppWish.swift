import Model
import Outside
import Tools
import Trust

/// What the application should be: chart, values and secrets, read from the cluster file and the
/// files that it names.
struct AppWish: Sendable {
    let cluster: ClusterSpec
    let chart: Helm.Chart
    let values: Secret
    /// Everything in the values that nobody may see.
    let secrets: [Secret]
    /// The database's URI; nil if the chart brings its own.
    let mongodbURI: Secret?
    /// Of the chart and its values: the same wish has the same one.
    let digest: Digest

    /// `saving`: passwords that have to be made are kept; a plan only reads.
    ///
    /// Throws what ``PrivateFile`` throws, `invalid` if the URI is none of MongoDB's, `notFound` if
    /// a local chart is not there.
    init(_ run: StageRun, saving: Bool) throws {
        cluster = run.cluster
        let (app, files) = (run.cluster.app, run.world.files)
        mongodbURI = try app.mongodb.external.map {
            try Self.checked(
                run.project.secret($0.uriFile, key: "app.mongodb.external.uriFile", files),
                path: $0.uriFile)
        }
        var secrets = ChartValues.Secrets()
        if !app.licenseFile.isEmpty {
            secrets.license = try run.project.secret(
                app.licenseFile, key: "app.licenseFile", files)
        }
        if app.mongodb.bundled != nil {
            secrets.passwords = try Self.passwords(run, saving: saving)
        }
        let passwords = secrets.passwords
        self.secrets = [
            mongodbURI, secrets.license, passwords?.root, passwords?.user, passwords?.replicaSetKey,
        ].compactMap(\.self)
        values = try ChartValues(run.cluster, secrets: secrets).render()
        let content: String
        (chart, content) = try Self.chart(app.chart, project: run.project, files: files)
        digest = try Hash.digest(of: [content, values.reveal()])
    }

    private static func checked(_ uri: Secret, path: String) throws -> Secret {
        let text = uri.reveal()
        guard ["mongodb://", "mongodb+srv://"].contains(where: { text.hasPrefix($0) }),
            !text.contains(where: \.isWhitespace)
        else {
            throw Failure(
                .invalid, "reading \(path): it does not hold one URI of MongoDB",
                fix: "write one line, mongodb://user:password@host:27017/rocketchat?replicaSet=…")
        }
        return uri
    }

    /// Made once, on disk before the database can have seen them.
    private static func passwords(_ run: StageRun, saving: Bool) throws -> DatabasePasswords {
        let (files, folder) = (run.world.files, "\(run.project.state)/kube")
        let path = "\(folder)/mongodb.json"
        if let bytes = try files.readIfThere(path) {
            return try JSON.decode(DatabasePasswords.self, from: bytes, what: path)
        }
        // The same plan twice has the same digest, so it must not depend on chance.
        func password() -> Secret { saving ? Token.make(run.world.chance) : Secret("not made yet") }
        let made = DatabasePasswords(
            root: password(), user: password(), replicaSetKey: password())
        guard saving else { return made }
        try files.makeDirectory(folder, mode: 0o700, op: "app.folder")
        try files.replace(path, with: JSON.encode(made), mode: 0o600, op: "app.passwords")
        return made
    }

    /// The chart, and a text that changes with it.
    private static func chart(
        _ chart: AppSection.Chart, project: Project, files: any Files
    ) throws -> (Helm.Chart, content: String) {
        guard !chart.path.isEmpty else {
            return (
                .repository(url: chart.repository, name: chart.name, version: chart.version),
                "\(chart.repository) \(chart.name) \(chart.version)"
            )
        }
        let path = project.path(chart.path)
        return (.local(path: path), try LocalChart(files: files).digest(path).rawValue)
    }
}

/// The content of a chart on this machine.
private struct LocalChart {
    static let filesMax = 2000
    static let fileBytesMax = 8 << 20

    let files: any Files

    func digest(_ path: String) throws -> Digest {
        var lines: [String] = []
        try add("", of: path, to: &lines)
        return try Hash.digest(of: lines)
    }

    /// Names begin at the chart: the same one elsewhere is no other one.
    private func add(_ name: String, of chart: String, to lines: inout [String]) throws {
        let path = chart + name
        guard let info = try files.info(path) else {
            throw Failure(
                .notFound, "reading the chart \(path): it is not there",
                fix: "mend `app.chart.path`")
        }
        guard lines.count < Self.filesMax else {
            throw Failure(
                .invalid, "reading the chart \(path): more than \(Self.filesMax) files",
                fix: "point `app.chart.path` at the folder of the chart itself")
        }
        if info.kind == .directory {
            for entry in try files.list(path) {
                try add("\(name)/\(entry)", of: chart, to: &lines)
            }
        } else {
            let bytes = try files.read(path, bytesMax: Self.fileBytesMax)
            lines.append("\(name) \(Hash.sha256(bytes))")
        }
    }
}
