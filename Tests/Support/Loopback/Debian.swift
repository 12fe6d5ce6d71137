import FoundationEssentials
import Model
import Outside

/// The release of Debian that a test's HAProxy, certbot and pebble come from.
public enum Debian: Int, Sendable, CaseIterable, CustomStringConvertible {
    /// The machine's own: HAProxy 2.6, certbot 2.1, pebble 2.4.
    case bookworm = 12
    /// HAProxy 3.0, certbot 4.0, pebble 2.6, unpacked by `.ci/debian-13` and run in a root folder
    /// of their own, on the network and in the `/tmp` of the machine.
    case trixie = 13

    public var description: String { "Debian \(rawValue)" }

    /// What runs `world`'s children, with this release's programs under their usual names.
    ///
    /// Throws `failed` with apt's words if the programs are not there and cannot be fetched.
    func programs(of world: World) async throws -> any Processes {
        guard self == .trixie else { return world.processes }
        var unpack = Command(Self.script, [])
        for name in ["HOME", "JEEVES_CACHE"] {
            unpack.environment[name] = ProcessInfo.processInfo.environment[name]
        }
        let folder = try await world.processes.output(
            of: unpack, limits: Limits(deadline: .seconds(300)), op: "debian.unpack")
        return UnpackedPrograms(
            processes: world.processes, run: folder.filter { !$0.isNewline } + "/run")
    }

    private static let script =
        #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined() + "/.ci/debian-13"
}

/// Runs the edge's programs from an unpacked release, and all others from the machine.
private struct UnpackedPrograms: Processes {
    let processes: any Processes
    /// The script that changes the root.
    let run: String

    private static let names: Set = ["haproxy", "certbot", "pebble", "pebble-challtestsrv"]

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        var command = command
        if Self.names.contains(command.program) {
            command.arguments.insert(command.program, at: 0)
            command.program = run
        }
        return try await processes.run(
            command, limits: limits, op: op, started: started, line: line)
    }

    func isAlive(_ child: ChildID) -> Bool { processes.isAlive(child) }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        try await processes.askToEnd(child, op: op)
    }
}
