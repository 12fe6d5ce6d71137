import ArgumentParser
import Model

/// `lab`: a whole data centre on this machine, for the demo and the end-to-end tests.
@main
struct Driver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "A whole data centre on this machine: AWS, nodes, DNS, packages and an ACME CA.",
        subcommands: [
            Up.self, Down.self, Status.self, Shell.self, Run.self, Exec.self, Reboot.self,
            Poweroff.self, Poweron.self, CurlLine.self, Demo.self, Trial.self,
        ])
}
