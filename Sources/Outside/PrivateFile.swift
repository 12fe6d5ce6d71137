import Model

/// A secret that a person keeps in a file. It is read only if nobody else can.
public enum PrivateFile {
    static let bytesMax = 64 << 10

    /// The content without the space around it. Throws `notFound` if the file is not there,
    /// `unauthorized` if its group or everyone may read it, `invalid` if it is empty or no plain
    /// file. `name` is where a person named it.
    public static func read(_ path: String, named name: String, files: any Files) throws -> Secret {
        guard let info = try files.info(path) else {
            throw Failure(
                .notFound, "reading \(path): it is not there",
                fix: "write it with mode 0600, or mend \(name)")
        }
        guard info.kind == .file else {
            throw Failure(
                .invalid, "reading \(path): it is not a plain file", fix: "mend \(name)")
        }
        guard info.mode & 0o077 == 0 else {
            throw Failure(
                .unauthorized, "reading \(path): others than its owner may read it",
                fix: "run `chmod 600 \(path)`, and change the secret if others have seen it")
        }
        let text = String(decoding: try files.read(path, bytesMax: bytesMax), as: UTF8.self)
        let trimmed = text.trimmingSpace
        guard !trimmed.isEmpty else {
            throw Failure(.invalid, "reading \(path): it is empty", fix: "write the secret to it")
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
