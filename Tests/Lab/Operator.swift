import Foundation
import Model
import Outside

/// The machine of the person who runs `jeeves`: in the lab's network, with the real package laid
/// over `/usr` of a mount namespace of its own, so that the host stays as it is.
struct Operator: Sendable {
    static let folder = "\(Layout.state)/operator"
    static let project = "\(folder)/chat"
    static let state = "\(project)/.jeeves"
    private static let root = "\(folder)/root"

    let host: Host

    /// Unpacks the package `jeeves`, puts kubectl and Helm beside it as a person would, and makes
    /// an empty project folder.
    func install(package: String) async throws {
        try? FileManager.default.removeItem(atPath: Self.folder)
        try makeFolder(Self.project)
        try await host.output("dpkg-deb", ["--extract", package, Self.root])
        let clients = try await KubernetesClients(cache: Cache()).folder()
        for name in ["helm", "kubectl"] {
            try await host.output(
                "install", ["--mode=0755", "\(clients)/\(name)", "\(Self.root)/usr/bin/\(name)"])
        }
    }

    /// Runs a program as that person would, its output going where ours goes. Returns its exit
    /// status. Throws `timeout` if it was killed after `deadline`.
    func run(
        _ command: [String], in folder: String = Operator.project, deadline: Duration
    ) async throws -> Int32 {
        try await status(of: start(command, in: folder), deadline: deadline, command)
    }

    /// As `run`, but keeps what the program prints. Throws `timeout` if it was killed after
    /// `deadline`.
    func read(
        _ command: [String], in folder: String = Operator.project, deadline: Duration
    ) async throws -> Finished {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let streams = Spawn.Streams(output: scratch.path("out"), errors: scratch.path("err"))
        let code = try await status(
            of: start(command, in: folder, streams: streams), deadline: deadline, command)
        return Finished(
            ending: .exited(code), output: try scratch.text("out", bytesMax: Host.outputBytesMax),
            errors: try scratch.text("err", bytesMax: Host.outputBytesMax))
    }

    /// The exit status of a started program, 128 and the signal's number if one ended it. Throws
    /// `timeout` if it was killed after `deadline`.
    func status(
        of child: ChildID, deadline: Duration, _ command: [String]
    ) async throws -> Int32 {
        switch await Spawn.wait(for: child, deadline: deadline) {
        case .exited(let code): return code
        case .signalled(let signal): return 128 + signal
        case nil:
            throw Failure(
                .timeout, "running \(command.joined(separator: " ")): not done after \(deadline)")
        }
    }

    /// Starts a program as that person would; the child is the program itself.
    func start(
        _ command: [String], in folder: String = Operator.project,
        streams: Spawn.Streams = Spawn.Streams()
    ) throws -> ChildID {
        say("$ \(command.joined(separator: " "))")
        return try Spawn.start(
            Host.find("ip") ?? "/usr/sbin/ip", Self.wrapped(command),
            environment: Self.environment(from: Host.environment), directory: folder,
            streams: streams, detached: false)
    }

    /// The account's credentials and Terraform's provider, and nothing of this machine's proxies.
    /// Throws `notFound` if this machine has no provider.
    static func environment(from own: [String: String]) throws -> [String: String] {
        own.filter { !$0.key.uppercased().hasSuffix("_PROXY") }
            .merging(Layout.awsEnvironment) { $1 }.merging(try terraformEnvironment()) { $1 }
    }

    /// `ip netns exec` gives the network and a mount namespace; the overlay is mounted in that one.
    static func wrapped(_ command: [String]) -> [String] {
        let overlay = "lowerdir=\(root)/usr:/usr"
        return ["netns", "exec", Layout.namespace, "/bin/sh", "-c", Self.enter, overlay] + command
    }

    /// `$0` is the overlay's options, the rest the program.
    private static let enter = "mount -t overlay overlay -o \"$0\" /usr && exec \"$@\""

    private static func terraformEnvironment() throws -> [String: String] {
        let path = "\(folder)/terraform.rc"
        try writeFile(TerraformMirror.find().settings, to: path)
        return ["TF_CLI_CONFIG_FILE": path]
    }
}
