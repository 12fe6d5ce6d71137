import Model
import Outside
import Trust

/// Begins a cluster: the commented cluster file and the certificate authority. Never overwrites.
public enum Founding {
    /// What the cluster file says beyond its defaults.
    public struct Values: Sendable {
        var cluster: ClusterID
        var domain: DomainName
        var email: String
        var region: String
        var nodes = NodesSection()
        var network = NetworkSection()
        var dns = DNSSection()

        public init(cluster: ClusterID, domain: DomainName, email: String, region: String) {
            self.cluster = cluster
            self.domain = domain
            self.email = email
            self.region = region
        }
    }

    public struct Made: Sendable {
        /// What was done, for a person. Holds the passphrase when a root key was made: it is shown
        /// once and kept nowhere.
        public let lines: [String]
    }

    /// Throws `conflict` if there is a cluster file already: what old files say would not get in.
    public static func requireRoom(_ project: Project, _ files: any Files) throws {
        guard try files.info(project.clusterFile) == nil else {
            throw Failure(
                .conflict, "taking the old files over: \(project.clusterFile) exists already",
                fix: "move it away, or leave out --from and --env to keep it")
        }
    }

    /// A cluster file that is there is kept, and decides whose the authority is. Throws `conflict`
    /// if the state folder belongs to a cluster of another name, `invalid` if the kept file is
    /// wrong.
    public static func make(_ project: Project, values: Values, world: World) throws -> Made {
        let files = world.files
        var lines: [String] = []
        let isNew = try files.info(project.clusterFile) == nil
        let cluster = try isNew ? values.cluster : project.spec(files).cluster
        let hasAuthority = try requireOwn(project, of: cluster, files)
        if isNew {
            try files.replace(
                project.clusterFile, with: Array(Example.render(values).utf8), mode: 0o644,
                op: "init.file")
            lines.append("wrote \(project.clusterFile): edit it, then run `jeeves validate`")
        } else {
            lines.append("kept \(project.clusterFile): it exists")
        }
        guard !hasAuthority else {
            lines.append("kept the certificate authority in \(project.state)/ca: it exists")
            return Made(lines: lines)
        }
        try files.makeDirectory(project.state, mode: 0o700, op: "init.state")
        try files.makeDirectory("\(project.state)/ca", mode: 0o700, op: "init.ca")
        let passphrase = passphrase(world.chance)
        let made = try Authority.create(
            cluster: cluster, passphrase: passphrase, now: world.clock.now())
        try files.write(project.rootKey, made.rootKeyPEM, op: "init.rootKey")
        try files.write(
            project.intermediateKey, made.intermediateKeyPEM.reveal(), op: "init.intermediateKey")
        try files.write(project.intermediate, made.intermediatePEM, op: "init.intermediate")
        // Last, because it is what says that the others are there.
        try files.write(project.root, made.rootPEM, op: "init.root")
        lines += [
            "made the certificate authority in \(project.state)/ca",
            "  the root key's passphrase, shown only now: \(passphrase.reveal())",
            "  move \(project.rootKey) and the passphrase away from this machine",
        ]
        return Made(lines: lines)
    }

    /// Whether there is an authority, which then is this cluster's.
    private static func requireOwn(
        _ project: Project, of cluster: ClusterID, _ files: any Files
    ) throws -> Bool {
        guard let root = try files.text(project.root) else { return false }
        guard try Authority.isRoot(root, of: cluster) else {
            throw Failure(
                .conflict,
                "beginning the cluster \(cluster): the state folder \(project.state) is that of a "
                    + "cluster of another name",
                fix: "say its name (`cluster` in \(project.clusterFile), or --cluster), or name "
                    + "another folder with --state")
        }
        return true
    }

    /// 100 bits in five groups a person can copy.
    private static func passphrase(_ chance: any Chance) -> Secret {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")
        let letters = chance.bytes(20).map { alphabet[Int($0) % alphabet.count] }
        let groups = stride(from: 0, to: 20, by: 4).map { String(letters[$0..<$0 + 4]) }
        return Secret(groups.joined(separator: "-"))
    }
}

extension Files {
    /// Writes a private text file.
    func write(_ path: String, _ text: String, op: Op) throws {
        try replace(path, with: Array(text.utf8), mode: 0o600, op: op)
    }
}

extension Authority {
    /// The cluster's authority as `jeeves init` wrote it.
    static func open(_ project: Project, files: any Files) throws -> Authority {
        func pem(_ path: String) throws -> String {
            guard let text = try files.text(path, bytesMax: 64 << 10) else {
                throw Failure(
                    .notFound, "reading \(path): it is not there",
                    fix: Failure.Fix.restore)
            }
            return text
        }
        return try Authority(
            rootPEM: pem(project.root), intermediatePEM: pem(project.intermediate),
            intermediateKeyPEM: Secret(pem(project.intermediateKey)))
    }
}
