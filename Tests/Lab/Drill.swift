import Foundation
import Model
import Outside

/// Kills what works, at the worst moments, and looks whether the next run ends the same.
struct Drill: Sendable {
    private static let controller = "controller-1"

    let person: Operator
    let host: Host

    /// `jeeves up` is killed (kill -9) while `program` runs below it. With `both`, that one too.
    /// True if it was so.
    func killed(while program: String, after pause: Duration, both: Bool) async throws -> Bool {
        let jeeves = try person.start(["jeeves", "up"])
        defer { Spawn.kill(jeeves) }
        let end = ContinuousClock.now + .seconds(600)
        while ContinuousClock.now < end, Spawn.isAlive(jeeves) {
            if let child = try await find(program) {
                try await Task.sleep(for: pause)
                if both { kill(child, SIGKILL) }
                Spawn.kill(jeeves)
                _ = await Spawn.wait(for: jeeves, deadline: .seconds(10))
                say("killed jeeves (pid \(jeeves.pid)) while `\(program)` ran as pid \(child)")
                return true
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// An agent that is killed in the middle of something is started again by systemd; the unit in
    /// which that something runs is left alone, and found.
    func agentKilled(while unit: String) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(600)
        var node: Node?
        while node == nil, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            node = (try? Node.machine(of: Self.controller)).flatMap { found in
                (try? found.running()).map { _ in found }
            }
        }
        guard let node else { return false }
        let script = """
            for try in $(seq 1500); do
              if systemctl list-units --no-legend '\(unit)' | grep -q running; then
                systemctl kill --signal=KILL --kill-whom=main jeeves-agent.service
                systemctl list-units --no-legend '\(unit)'
                exit
              fi
              sleep 0.2
            done
            exit 1
            """
        let found = try await host.run(
            "nsenter", node.entering(["/bin/sh", "-c", script]), deadline: .seconds(600))
        say("killed the agent of \(node.member) beside \(found.output)")
        return found.succeeded
    }

    /// The controller restarts, and nobody helps it: true once `isLive` holds again.
    func rebooted(until isLive: () async throws -> Bool) async throws -> Bool {
        let node = try Node.machine(of: Self.controller)
        let (begun, before) = (ContinuousClock.now, try node.running())
        try Power.signal(node.id, number: 5)
        let end = begun + .seconds(300)
        while ContinuousClock.now < end {
            try await Task.sleep(for: .seconds(1))
            let now = try? Node.named(node.id).running()
            if let now, now != before, (try? await isLive()) == true {
                say("live again \(begun.duration(to: .now).shortText) after the reboot began")
                return true
            }
        }
        return false
    }

    private func find(_ program: String) async throws -> pid_t? {
        let found = try await host.run("pgrep", ["--oldest", "--full", program])
        return pid_t(found.output.split(separator: "\n").first ?? "")
    }
}
