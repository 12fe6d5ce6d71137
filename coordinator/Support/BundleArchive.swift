import Model
import Outside

/// Packs a bundle with tar(1), by way of a private folder that is gone afterwards. It never
/// overwrites.
struct BundleArchive: Sendable {
    private static let bytesMax = 256 << 20

    let world: World
    /// Where the private folder is made.
    let folder: String

    /// Throws `conflict` if something is at `path`.
    static func requireFree(_ path: String, _ files: any Files) throws {
        guard try files.info(path) == nil else {
            throw Failure(
                .conflict, "writing the support bundle: \(path) is there already",
                fix: "choose another name with --out")
        }
    }

    /// Returns the archive's bytes.
    func write(_ parts: [BundleContents.Part], named name: String, to path: String) async throws
        -> [UInt8]
    {
        var made: [String] = []
        defer { for path in made.reversed() { try? world.files.remove(path, op: "support.clean") } }
        func directory(_ path: String) throws {
            guard !made.contains(path) else { return }
            made.append(path)
            try world.files.makeDirectory(path, mode: 0o700, op: "support.folder")
        }
        let work = "\(folder)/support-\(world.chance.runID())"
        let archive = "\(work)/bundle.tar.gz"
        try directory(work)
        try directory("\(work)/\(name)")
        for part in parts {
            var parent = "\(work)/\(name)"
            for step in part.path.split(separator: "/").dropLast() {
                parent += "/\(step)"
                try directory(parent)
            }
            made.append("\(work)/\(name)/\(part.path)")
            try world.files.replace(
                "\(work)/\(name)/\(part.path)", with: Array(part.text.utf8), mode: 0o600,
                op: "support.part")
        }
        made.append(archive)
        _ = try await world.processes.output(
            of: Self.pack(name, in: work, to: archive),
            limits: Limits(deadline: .seconds(120)), op: "support.pack")
        let bytes = try world.files.read(archive, bytesMax: Self.bytesMax)
        try Self.requireFree(path, world.files)
        try world.files.replace(path, with: bytes, mode: 0o600, op: "support.bundle")
        return bytes
    }

    static func pack(_ name: String, in folder: String, to archive: String) -> Command {
        Command(
            "tar",
            [
                "--create", "--gzip", "--file=\(archive)", "--directory=\(folder)", "--owner=0",
                "--group=0", "--numeric-owner", "--", name,
            ])
    }
}
