import Model
import Outside

/// A secret that a person keeps in a file. It is read only if nobody else can.
enum PrivateFile {
    static let bytesMax = 64 << 10

    /// The content without the space around it. Throws `notFound` if the file is not there,
    /// `unauthorized` if its group or everyone may read it, `invalid` if it is empty or no plain
    /// file. `key` names the file in the cluster file.
    static func read(_ path: String, key: String, in project: Project, files: any Files) throws
        -> Secret
    {
        let full = project.path(path)
        guard let info = try files.info(full) else {
            throw Failure(
                .notFound, "reading \(full): it is not there",
                fix: "write it with mode 0600, or mend `\(key)` in \(project.clusterFile)")
        }
        guard info.kind == .file else {
            throw Failure(
                .invalid, "reading \(full): it is not a plain file", fix: "mend `\(key)`")
        }
        guard info.mode & 0o077 == 0 else {
            throw Failure(
                .unauthorized, "reading \(full): others than its owner may read it",
                fix: "run `chmod 600 \(full)`, and change the secret if others have seen it")
        }
        let text = String(decoding: try files.read(full, bytesMax: bytesMax), as: UTF8.self)
        let trimmed = text.trimmingSpace
        guard !trimmed.isEmpty else {
            throw Failure(.invalid, "reading \(full): it is empty", fix: "write the secret to it")
        }
        return Secret(trimmed)
    }
}

extension String {
    fileprivate var trimmingSpace: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
