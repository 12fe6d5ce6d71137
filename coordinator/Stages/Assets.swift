import Model
import Outside

/// The files that come with `jeeves`: Terraform modules and manifests.
enum Assets {
    /// Where the package installs them, or a source tree's folder named by the wiring.
    static let installed = "/usr/share/jeeves"

    static func missing(_ path: String) -> Failure {
        Failure(
            .notFound, "reading \(path): it is not there",
            fix: "install the package `jeeves` again")
    }

    /// Copies the folder `name` to `target`, writing only files whose content differs.
    /// Throws `notFound` if the installation is incomplete.
    static func copy(
        _ name: String, to target: String, from root: String = installed, files: any Files
    ) throws {
        let source = "\(root)/\(name)"
        guard try files.info(source) != nil else { throw missing(source) }
        for entry in try files.list(source) {
            let (from, to) = ("\(source)/\(entry)", "\(target)/\(entry)")
            if try files.info(from)?.kind == .directory {
                try files.makeDirectory(to, mode: 0o700, op: "assets.folder")
                try copy("\(name)/\(entry)", to: to, from: root, files: files)
            } else {
                let bytes = try files.read(from, bytesMax: 1 << 20)
                if try files.readIfThere(to) != bytes {
                    try files.replace(to, with: bytes, mode: 0o600, op: "assets.file")
                }
            }
        }
    }
}
