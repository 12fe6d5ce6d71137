import Model
import Outside
import Trust
import Wire

/// The agent's Debian package that first boot installs: a file that we serve, or a URL elsewhere.
struct PackageFile: Sendable {
    /// Where the package `jeeves` keeps the agent's.
    static let installed = "/usr/share/jeeves/jeeves-agent.deb"
    static let servedPath = "/jeeves-agent.deb"
    static let bytesMax = 256 << 20

    let announced: AgentPackage
    /// Nil if nodes fetch it elsewhere.
    private let bytes: [UInt8]?

    /// Throws `notFound` if there is no package to serve.
    static func find(
        _ spec: ClusterSpec, in project: Project, files: any Files
    ) throws -> PackageFile {
        let wanted = spec.agent.package
        if let sha256 = wanted.sha256, !wanted.url.isEmpty {
            return PackageFile(
                announced: AgentPackage(url: wanted.url, sha256: sha256), bytes: nil)
        }
        let path = wanted.file.isEmpty ? installed : project.path(wanted.file)
        guard let bytes = try files.readIfThere(path, bytesMax: bytesMax) else {
            throw Failure(
                .notFound, "reading the agent's package \(path): it is not there",
                fix: "install the package `jeeves`, or set `agent.package` in the cluster file")
        }
        let first = spec.coordinator.addresses.first ?? ""
        let host = first.prefix(upTo: first.lastIndex(of: ":") ?? first.endIndex)
        let url = "http://\(host):\(spec.coordinator.packagePort)\(servedPath)"
        return PackageFile(
            announced: AgentPackage(url: url, sha256: Hash.sha256(bytes)), bytes: bytes)
    }

    func serve(host: String, _ spec: ClusterSpec) async throws -> PackageServer? {
        guard let bytes else { return nil }
        return try await PackageServer.start(
            host: host, port: spec.coordinator.packagePort, path: Self.servedPath, bytes: bytes)
    }
}
