import Model
import Outside
import Tools
import Wire

/// What parts of this node say about themselves: programs of a fixed list, HAProxy's runtime API
/// and snapd. Changes nothing; what cannot be asked says so in its place.
struct Diagnostics: Sendable {
    let world: World
    var layout = EdgeLayout()

    private static let limits = Limits(deadline: .seconds(20), outputBytesMax: 256 << 10)

    /// Throws `unsupported` for a part that this agent does not know.
    func report(on part: Diagnostic) async throws -> String {
        switch part {
        case .versions:
            await printed([HAProxy.version(), Certbot.version()], part)
                + section("snap microk8s") { try await snap() }
        case .system: await printed(Self.system, part)
        case .haproxy: await runtime()
        case .microk8s: await printed(Self.microk8s, part)
        case .unknown:
            throw Failure(
                .unsupported, "answering the coordinator: this agent knows no such diagnostics",
                fix: Failure.Fix.sameVersions)
        }
    }

    private static let system = [
        Command("uptime", []), Command("free", ["--human"]),
        Command("df", ["--human-readable", "--local"]),
        Command("systemctl", ["list-units", "--failed", "--no-pager", "--plain"]),
    ]

    private static let microk8s = [
        MicroK8s.status(timeout: .seconds(10)), MicroK8s.list("nodes"), MicroK8s.list("pods"),
        MicroK8s.list("events"),
    ]

    private func printed(_ commands: [Command], _ part: Diagnostic) async -> String {
        var text = ""
        for command in commands {
            text += await section("\(command)") {
                let finished = try await world.processes.run(
                    command, limits: Self.limits, op: "diagnostics.\(part.rawValue)")
                // MicroK8s says much of what is wrong on a child that succeeds, and the other way
                // round.
                let end = finished.succeeded ? "" : "\n(\(finished.sentence))"
                return finished.output + finished.errors + end
            }
        }
        return text
    }

    private func runtime() async -> String {
        var text = ""
        for command in [
            HAProxyRuntime.showInfo, HAProxyRuntime.showStat, HAProxyRuntime.showServers,
        ] {
            text += await section(String(command.dropLast())) {
                try await RuntimeSocket(world, layout).ask(command, op: "diagnostics.haproxy")
            }
        }
        return text
    }

    private func snap() async throws -> String {
        guard let snap = try await SnapInstallation(snap: "microk8s").find(world) else {
            return "not installed"
        }
        return "\(snap.version ?? "?") (revision \(snap.revision ?? "?")), \(snap.tracked), "
            + snap.status
    }

    private func section(_ title: String, _ ask: () async throws -> String) async -> String {
        let text: String
        do { text = try await ask() } catch {
            text = "(\(Failure(error, trying: "asking").message))"
        }
        return "==> \(title)\n\(text)\n\n"
    }
}
