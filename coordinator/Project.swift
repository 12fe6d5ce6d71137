import Model
import Outside

/// A folder with a cluster file, and the state that belongs to it.
public struct Project: Sendable, Hashable {
    public let folder: String
    public let clusterFile: String
    /// Everything Jeeves remembers, private to its owner: identities, ledger, Terraform's state.
    public let state: String

    public init(folder: String, clusterFile: String? = nil, state: String? = nil) {
        self.folder = folder
        self.clusterFile = clusterFile ?? "\(folder)/jeeves.yaml"
        self.state = state ?? "\(folder)/.jeeves"
    }

    public var store: String { "\(state)/jeeves.db" }
    public var terraform: String { "\(state)/terraform" }
    /// Encrypted key of the root; made to be moved away.
    public var rootKey: String { "\(state)/ca/root.key.pem" }
    public var root: String { "\(state)/ca/root.pem" }
    public var intermediate: String { "\(state)/ca/intermediate.pem" }
    public var intermediateKey: String { "\(state)/ca/intermediate.key.pem" }

    /// The checked cluster file. Throws `notFound` if there is none, `invalid` with every problem.
    public func spec(_ files: any Files) throws -> ClusterSpec {
        try ClusterFile.decode(text(files), path: clusterFile)
    }

    /// Values of the example that the cluster file still has, one line each. Throws as
    /// ``spec(_:)`` does.
    public func placeholders(_ files: any Files) throws -> [String] {
        try ClusterFile.placeholders(in: text(files), path: clusterFile)
    }

    private func text(_ files: any Files) throws -> String {
        guard let text = try files.text(clusterFile, bytesMax: ClusterFile.bytesMax) else {
            throw Failure(
                .notFound, "reading \(clusterFile): it is not there",
                fix: "run `jeeves init` here, or name the file with --file")
        }
        return text
    }

    /// Where a file is that the cluster file names: a relative path begins beside it.
    func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(folder)/\(name)" }

    /// The secret in a file that the cluster file names under `key`. Throws what ``PrivateFile``
    /// throws.
    func secret(_ path: String, key: String, _ files: any Files) throws -> Secret {
        try PrivateFile.read(
            self.path(path), named: "`\(key)` in \(clusterFile)", files: files)
    }

    /// A file that the cluster file names under `key`, relative to that; empty if it names none.
    /// Throws `notFound` if it is not there.
    func pem(_ path: String, key: String, _ files: any Files) throws -> String {
        guard !path.isEmpty else { return "" }
        let full = self.path(path)
        guard let text = try files.text(full) else {
            throw Failure(
                .notFound, "reading \(full): it is not there",
                fix: "mend `\(key)` in \(clusterFile)")
        }
        return text
    }

    /// Roots that the edge's certificates chain to; empty means the system's.
    func trustPEM(of cluster: ClusterSpec, _ files: any Files) throws -> String {
        try pem(
            cluster.certificate.acme.trustFile, key: "certificate.acme.trustFile", files)
    }

    /// Throws `notFound` unless `jeeves init` has made the state folder.
    public func requireState(_ files: any Files) throws {
        guard try files.info(root) != nil else {
            throw Failure(
                .notFound, "opening the state folder \(state): it holds no cluster",
                fix: "run `jeeves init`")
        }
    }
}
