import ArgumentParser
import Foundation
import Model

/// Restarts a node as `systemctl reboot` in it would.
struct Reboot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Restart a node.")

    @Argument(help: "The node's name, instance id, Name tag or private address.")
    var node: String

    func run() async throws { try Power.signal(node, number: 5) }
}

/// Switches a node off as `systemctl poweroff` in it would; the account sees it stopped.
struct Poweroff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Switch a node off.")

    @Argument(help: "The node's name, instance id, Name tag or private address.")
    var node: String

    func run() async throws { try Power.signal(node, number: 4) }
}

/// Switches a machine on that was switched off, as a person does in the account.
struct Poweron: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Switch a node on again.")

    @Argument(help: "The node's name or instance id.")
    var node: String

    func run() async throws { try await Power.on(node, host: Host()) }
}

/// The power button of a node.
enum Power {
    /// What is off has no record in the lab: only the account knows it.
    private static let starting = """
        import boto3, sys
        ec2 = boto3.client("ec2")
        for page in ec2.get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                for one in reservation["Instances"]:
                    tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
                    named = sys.argv[1] in (one["InstanceId"], tags.get("jeeves:node"))
                    if named and one["State"]["Name"] == "stopped":
                        ec2.start_instances(InstanceIds=[one["InstanceId"]])
                        print(one["InstanceId"])
        """

    /// Starts a stopped instance. Throws `notFound` if none that is stopped has that name.
    static func on(_ name: String, host: Host) async throws {
        let started = try await Python.inAccount(starting, [name], host: host)
        guard !started.isEmpty else {
            throw Failure(
                .notFound, "switching on \(name): no instance of that name is stopped",
                fix: "lab status")
        }
    }

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
