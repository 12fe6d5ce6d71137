import FoundationEssentials
import Model
import Outside
import Store
import Tools
import Trust

/// Writes everything that a cluster cannot be driven without into one closed file, also while a
/// coordinator runs. Changes nothing else.
public struct Backup: Sendable {
    /// A shorter one could be guessed from the file.
    public static let passphraseLengthMin = 12

    public struct Report: Codable, Hashable, Sendable {
        public let path: String
        public let bytes: Int
        public let files: [String]
        /// What is not in it, and why.
        public let leftOut: [String]
    }

    private let project: Project
    private let world: World

    public init(_ project: Project, world: World) {
        self.project = project
        self.world = world
    }

    /// `passphrase` may be asked of a person, and so is taken only when nothing else is wrong that
    /// can be known before.
    ///
    /// Throws `conflict` if there is something at `path`, `notFound` without a cluster or a folder
    /// for it, `invalid` for a short passphrase or a wrong cluster file, `unavailable` while
    /// Terraform writes its state.
    public func make(
        to path: String, passphrase ask: @autoclosure () throws -> Secret
    ) throws -> Report {
        let files = world.files
        try project.requireState(files)
        let spec = try project.spec(files)
        try requireRoom(at: path)
        let passphrase = try ask()
        guard passphrase.reveal().count >= Self.passphraseLengthMin else {
            throw Failure(
                .invalid,
                "making the backup: the passphrase has fewer than \(Self.passphraseLengthMin) "
                    + "characters", fix: "choose a longer one")
        }
        var content = Content(files: files)
        try content.add(.state, "jeeves.db", storeCopy())
        for name in Self.stateFiles {
            try content.add(.state, name, at: "\(project.state)/\(name)")
        }
        if let state = content.bytes("terraform/terraform.tfstate"), !state.isEmpty {
            try requireWhole(state)
        }
        let clusterFile = String(project.clusterFile.split(separator: "/").last ?? "")
        try content.add(.folder, clusterFile, at: project.clusterFile)
        for name in spec.namedFiles { try content.addNamed(name, in: project) }
        let backend = TerraformBackend(spec)
        if backend != .local { content.leaveOut("Terraform's state", "it is in \(backend)") }
        if try files.info(project.rootKey) != nil {
            content.leaveOut(project.rootKey, "keep it and its passphrase elsewhere")
        }
        let file = BackupFile(
            header: .init(
                format: BackupFile.format, jeeves: Release.version, cluster: spec.cluster,
                at: world.clock.now(), clusterFile: clusterFile,
                salt: try Digest(bytes: world.chance.bytes(32))), entries: content.entries)
        let bytes = try file.sealed(with: passphrase)
        try files.replace(path, with: bytes, mode: 0o600, op: "backup.file")
        return Report(
            path: path, bytes: bytes.count, files: content.entries.map(\.path),
            leftOut: content.leftOut)
    }

    private func requireRoom(at path: String) throws {
        guard try world.files.info(path) == nil else {
            throw Failure(
                .conflict, "writing the backup \(path): there is something of that name",
                fix: "choose another name for --out")
        }
        let folder = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        guard try world.files.info("\(folder)/.") != nil else {
            throw Failure(
                .notFound, "writing the backup \(path): there is no folder \(folder)",
                fix: "make it, or choose another one for --out")
        }
    }

    /// Below the state folder, as far as they are there. All else in it is made again: Terraform's
    /// modules and provider, what children printed, the kubeconfig.
    static let stateFiles = [
        "ca/root.pem", "ca/intermediate.pem", "ca/intermediate.key.pem",
        "terraform/terraform.tfstate", "terraform/terraform.tfstate.backup",
        "terraform/.terraform.lock.hcl", "kube/mongodb.json",
    ]

    /// The store as it is at one moment, whoever writes to it.
    private func storeCopy() throws -> [UInt8] {
        let path = "\(project.state)/backup-\(world.chance.runID()).db"
        defer { try? world.files.remove(path, op: "backup.store") }
        try Store.open(path: project.store).copy(to: path)
        return try world.files.read(path, bytesMax: BackupFile.bytesMax)
    }

    /// Terraform writes its state in place.
    private func requireWhole(_ state: [UInt8]) throws {
        struct State: Decodable { let serial: Int }
        guard (try? JSON.decode(State.self, from: state, what: "Terraform's state")) != nil else {
            throw Failure(
                .unavailable, "making the backup: Terraform's state cannot be read",
                fix: "if `jeeves up` runs, try again when its stage provision has ended")
        }
    }
}

/// What goes into a backup, as it is collected.
private struct Content {
    let files: any Files
    private(set) var entries: [BackupFile.Entry] = []
    private(set) var leftOut: [String] = []

    init(files: any Files) { self.files = files }

    func bytes(_ path: String) -> [UInt8]? {
        entries.first { $0.place == .state && $0.path == path }?.bytes
    }

    /// Throws `invalid` for one file too many.
    mutating func add(_ place: BackupFile.Entry.Place, _ path: String, _ bytes: [UInt8]) throws {
        guard entries.count < BackupFile.entriesMax else { throw BackupFile.tooLarge }
        entries.append(BackupFile.Entry(place: place, path: path, bytes: bytes))
    }

    /// Does nothing if there is no such file.
    mutating func add(_ place: BackupFile.Entry.Place, _ path: String, at full: String) throws {
        guard let bytes = try files.readIfThere(full, bytesMax: BackupFile.bytesMax) else { return }
        try add(place, path, bytes)
    }

    /// A file or a folder that the cluster file names.
    mutating func addNamed(_ name: String, in project: Project) throws {
        let full = project.path(name)
        guard let info = try files.info(full) else {
            return leaveOut(full, "it is not there")
        }
        guard let path = project.inside(full), BackupFile.isInside(path) else {
            return leaveOut(full, "it lies outside of \(project.folder): copy it yourself")
        }
        switch info.kind {
        case .file: try add(.folder, path, at: full)
        case .directory:
            for entry in try files.list(full) { try addNamed("\(path)/\(entry)", in: project) }
        case .link: leaveOut(full, "it is a link to \(try files.linkTarget(full))")
        case .other: leaveOut(full, "it is neither a file nor a folder")
        }
    }

    mutating func leaveOut(_ path: String, _ reason: String) {
        leftOut.append("\(path): \(reason)")
    }
}

extension Project {
    /// A path relative to the folder and without detours; nil if it does not lie below.
    fileprivate func inside(_ path: String) -> String? {
        let (path, folder) = (Self.parts(path), Self.parts(folder))
        guard path.count > folder.count, path.starts(with: folder) else { return nil }
        return path.dropFirst(folder.count).joined(separator: "/")
    }

    private static func parts(_ path: String) -> [Substring] {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts
    }
}

extension ClusterSpec {
    /// Files and folders of this machine that the cluster file names.
    fileprivate var namedFiles: [String] {
        [
            agent.package.file, certificate.acme.caFile, certificate.acme.trustFile,
            app.chart.path, app.licenseFile, app.mongodb.external?.uriFile ?? "",
        ].filter { !$0.isEmpty }
    }
}
