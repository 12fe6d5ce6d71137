import ArgumentParser
import Foundation
import Model

/// Restarts a node as `systemctl reboot` in it would.
struct Reboot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Restart a node.")

    @Argument(help: "The node's instance id, Name tag or private address.")
    var node: String

    func run() async throws { try Power.signal(node, number: 5) }
}

/// Switches a node off as `systemctl poweroff` in it would; the account sees it stopped.
struct Poweroff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Switch a node off.")

    @Argument(help: "The node's instance id, Name tag or private address.")
    var node: String

    func run() async throws { try Power.signal(node, number: 4) }
}

/// The power button of a node.
enum Power {
    /// Real-time signals that systemd as process 1 obeys (systemd(1)): +4 powers off, +5 reboots.
    static func signal(_ name: String, number: Int32) throws {
        let leader = try Node.named(name).running()
        guard kill(leader, SIGRTMIN() + number) == 0 else {
            throw Failure(.failed, "signalling node \(name): \(errnoText())")
        }
    }

    /// signal.h's macro, which Swift does not see: glibc keeps the first two for itself.
    private static func SIGRTMIN() -> Int32 { __libc_current_sigrtmin() }
}
