import FoundationEssentials
import Model
import Outside
import Store
import Trust

/// Makes a project of a backup, on this machine or another. Everything is checked before anything
/// is written, and nothing is overwritten; it may be repeated after a crash.
public struct Restoration: Sendable {
    public struct Report: Codable, Hashable, Sendable {
        public let cluster: ClusterID
        /// When the backup was made.
        public let at: Date
        public let clusterFile: String
        public let files: [String]
    }

    private let sealed: [UInt8]
    private let world: World

    /// Throws `notFound`, `invalid` if the file is no backup, `unsupported` if a newer Jeeves made
    /// it.
    public init(_ path: String, world: World) throws {
        sealed = try world.files.read(path, bytesMax: BackupFile.bytesMax)
        _ = try BackupFile.header(of: sealed)
        self.world = world
    }

    /// Into `folder`, with the state folder below it unless `state` is another. `passphrase` may be
    /// asked of a person, and so is taken only when there is no cluster yet.
    ///
    /// Throws `unauthorized` for another passphrase, `conflict` if there is a state or another file
    /// of one of the names.
    public func make(
        in folder: String, state: String?, passphrase: @autoclosure () throws -> Secret,
        by actor: String
    ) throws -> Report {
        try requireNoCluster(in: Project(folder: folder, state: state))
        let backup = try BackupFile(sealed, passphrase: passphrase())
        let project = Project(
            folder: folder, clusterFile: "\(folder)/\(backup.header.clusterFile)", state: state)
        try check(backup)
        try requireOurs(backup, in: project)
        try requireRoom(for: backup, in: project)
        let isLast = { (entry: BackupFile.Entry) in entry.path == "ca/root.pem" }
        // Last, because it is what says that the others are there.
        let ordered =
            backup.entries.filter { !isLast($0) } + backup.entries.filter(isLast)
        for entry in ordered { try write(entry, in: project) }
        let now = world.clock.now()
        try Store.open(path: project.store).append([
            Event(
                at: now, actor: actor, subject: "cluster/\(backup.header.cluster)",
                cause: "operator", outcome: .done,
                detail: "restored from a backup of \(backup.header.at.formatted(.iso8601))")
        ])
        return Report(
            cluster: backup.header.cluster, at: backup.header.at,
            clusterFile: project.clusterFile, files: ordered.map(\.path))
    }

    /// Throws `invalid` unless everything is there that a coordinator begins with.
    private func check(_ backup: BackupFile) throws {
        func text(_ path: String) throws -> String {
            guard let bytes = backup.entry(.state, path)?.bytes else {
                throw lacking(path)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        _ = try Authority(
            rootPEM: text("ca/root.pem"), intermediatePEM: text("ca/intermediate.pem"),
            intermediateKeyPEM: Secret(text("ca/intermediate.key.pem")))
        _ = try text("jeeves.db")
        guard backup.entry(.folder, backup.header.clusterFile) != nil else {
            throw lacking("cluster file")
        }
    }

    /// Throws `invalid` for a file that no backup holds. What lies in the state folder is run by
    /// Terraform and Helm, and `.env` leads to credentials: who was handed a backup with its
    /// passphrase, to look at it, shall not have run what its maker wrote there.
    private func requireOurs(_ backup: BackupFile, in project: Project) throws {
        let strange = backup.entries.first { entry in
            switch entry.place {
            case .state: entry.path != "jeeves.db" && !Backup.stateFiles.contains(entry.path)
            case .folder:
                entry.path == ".env" || path(entry, in: project).hasPrefix("\(project.state)/")
            }
        }
        guard let strange else { return }
        throw Failure(
            .invalid,
            "reading the backup: it has \(Printable.escape(strange.path)), which `jeeves backup` "
                + "never writes", fix: "ask who gave it to you; restore one of your own")
    }

    private func lacking(_ what: String) -> Failure {
        Failure(
            .invalid, "reading the backup: it has no \(what)",
            fix: "restore another one; this one is not whole")
    }

    private func requireNoCluster(in project: Project) throws {
        guard try world.files.info(project.root) == nil else {
            throw Failure(
                .conflict, "restoring into \(project.state): it holds a cluster already",
                fix: "choose an empty folder with --into, or move \(project.state) away")
        }
        guard try world.files.info(project.folder)?.kind != .file else {
            throw Failure(
                .conflict, "restoring into \(project.folder): it is a file",
                fix: "choose a folder with --into")
        }
        try refuse(
            ["-wal", "-shm"].map { project.store + $0 }.filter { try world.files.info($0) != nil })
    }

    private func refuse(_ there: [String]) throws {
        guard !there.isEmpty else { return }
        throw Failure(
            .conflict,
            "restoring: these are there already: \(there.prefix(5).joined(separator: ", "))",
            fix: "choose an empty folder with --into, or move them away")
    }

    private func requireRoom(for backup: BackupFile, in project: Project) throws {
        let other = try backup.entries.filter { entry in
            let found = try world.files.readIfThere(
                path(entry, in: project), bytesMax: BackupFile.bytesMax)
            return found.map { $0 != entry.bytes } ?? false
        }
        try refuse(other.map { path($0, in: project) })
    }

    private func path(_ entry: BackupFile.Entry, in project: Project) -> String {
        switch entry.place {
        case .folder: "\(project.folder)/\(entry.path)"
        case .state: "\(project.state)/\(entry.path)"
        }
    }

    private func write(_ entry: BackupFile.Entry, in project: Project) throws {
        let path = path(entry, in: project)
        let parent = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        try world.files.makeDirectory(String(parent), mode: 0o700, op: "restore.folder")
        try world.files.replace(path, with: entry.bytes, mode: 0o600, op: "restore.file")
    }
}
