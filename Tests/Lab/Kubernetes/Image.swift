import Foundation
import Model
import Outside

/// A container image of one layer, written as a docker-archive (the format of `docker save`).
struct Image {
    /// A file of this machine and where it lies in the image.
    struct Entry {
        let source: String
        let path: String
    }

    /// One name of the image with what is started under it: several share the layer.
    struct Variant {
        let tag: String
        var entrypoint: [String]
        var environment: [String: String] = [:]
    }

    let entries: [Entry]
    let variants: [Variant]

    /// Writes the archive to `path`.
    func write(to path: String, host: Host) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let root = scratch.path("root")
        try await host.output("install", ["-d", "-m", "0755", root])
        try await host.output("install", ["-d", "-m", "1777", "\(root)/tmp"])
        for entry in entries {
            try await host.output(
                "install", ["-D", "-m", "0755", entry.source, root + entry.path])
        }
        let archive = scratch.path("archive")
        try FileManager.default.createDirectory(
            atPath: archive, withIntermediateDirectories: false)
        try await pack(root, ["."], into: "\(archive)/layer.tar", host: host)
        let sum = try await host.output("sha256sum", ["\(archive)/layer.tar"])
        let digest = String(sum.prefix(64))
        var manifest: [Manifest] = []
        for (number, variant) in variants.enumerated() {
            let config = "config-\(number).json"
            try encode(Config(variant, layer: digest), to: "\(archive)/\(config)")
            manifest.append(Manifest(config: config, tag: variant.tag))
        }
        try encode(manifest, to: "\(archive)/manifest.json")
        let names = try FileManager.default.contentsOfDirectory(atPath: archive).sorted()
        try await pack(archive, names, into: path, host: host)
    }

    /// The same content gives the same bytes.
    private func pack(
        _ folder: String, _ names: [String], into path: String, host: Host
    ) async throws {
        try await host.output(
            "tar",
            [
                "--create", "--file", path, "--directory", folder, "--sort=name", "--mtime=@0",
                "--owner=0", "--group=0", "--numeric-owner", "--format=ustar",
            ] + names, deadline: .seconds(300))
    }

    private func encode(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(value).write(to: URL(filePath: path))
    }
}

/// One entry of `manifest.json`.
private struct Manifest: Encodable {
    let config: String
    let tags: [String]
    let layers = ["layer.tar"]

    enum CodingKeys: String, CodingKey {
        case config = "Config", tags = "RepoTags", layers = "Layers"
    }

    init(config: String, tag: String) {
        self.config = config
        tags = [tag]
    }
}

/// An image's configuration (OCI image-spec, config.md).
private struct Config: Encodable {
    struct Settings: Encodable {
        let entrypoint: [String]
        let environment: [String]

        enum CodingKeys: String, CodingKey { case entrypoint = "Entrypoint", environment = "Env" }
    }

    struct RootFS: Encodable {
        let type = "layers"
        let digests: [String]

        enum CodingKeys: String, CodingKey { case type, digests = "diff_ids" }
    }

    let architecture = "amd64"
    let os = "linux"
    let settings: Settings
    let root: RootFS

    enum CodingKeys: String, CodingKey {
        case architecture, os, settings = "config", root = "rootfs"
    }

    init(_ variant: Image.Variant, layer: String) {
        let path = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
        settings = Settings(
            entrypoint: variant.entrypoint,
            environment: path.merging(variant.environment) { $1 }.map { "\($0)=\($1)" }.sorted())
        root = RootFS(digests: ["sha256:\(layer)"])
    }
}
