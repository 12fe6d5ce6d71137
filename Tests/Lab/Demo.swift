import ArgumentParser
import Foundation
import Model
import Outside

/// The main job from end to end, as a person would type it, with a verdict after each part.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run jeeves from an empty account to a live chat, and prove it.")

    @Option(help: "Folder with the Debian packages (make package).")
    var packages: String

    @Flag(help: "Take everything away again at the end, and prove that nothing is left.")
    var destroy = false

    @Flag(help: "Kill jeeves on the way, reboot the controller at the end; all must be the same.")
    var drill = false

    @Option(help: "How many controllers: 1 or 3.")
    var controllers = 1

    private var domain: String { ClusterText.domain }
    private var page: LoginPage { LoginPage(host: Host()) }

    func run() async throws {
        let host = Host()
        // From nothing: machines of an earlier demo belong to an authority that is gone.
        try await Down.parse([]).run()
        try await Up.parse([]).run()
        let person = Operator(host: host)
        let built = BuiltPackages(folder: packages)
        let agent = try built.file("jeeves-agent")
        try await person.install(package: try built.file("jeeves"))
        var verdicts = Verdicts()
        await verdicts.expect("jeeves init writes the cluster file and the authority") {
            let command = [
                "jeeves", "init", "--cluster", "chat", "--domain", domain, "--email",
                "ops@\(Layout.zone)", "--region", Layout.region,
            ]
            return try await person.run(command, deadline: .seconds(60)) == 0
        }
        // What a person edits: addresses, the private CA, the package, the chart, the database.
        try FileManager.default.copyItem(
            atPath: Layout.chart, toPath: "\(Operator.project)/chart")
        try ClusterText(agent: agent, controllers: controllers).write(in: Operator.project)
        try writeFile(
            "mongodb://\(Layout.databaseUser.name):\(Layout.databaseUser.password)@"
                + "\(Layout.Address.database):\(Layout.databasePort)/rocketchat?replicaSet=rs0\n",
            to: "\(Operator.project)/mongodb.uri", mode: 0o600)
        await install(person, host, &verdicts)
        if drill {
            await verdicts.expect("a controller that reboots is live again by itself") {
                let drill = Drill(person: person, host: host)
                return try await drill.rebooted { try await page.answers() }
            }
        }
        if destroy {
            await verdicts.expect("jeeves destroy takes everything away") {
                try await person.run(["jeeves", "destroy", "--yes"], deadline: .seconds(600)) == 0
            }
            await verdicts.expect("no machine of the cluster is left") {
                // The hypervisor looks at the account about once a second.
                let end = ContinuousClock.now + .seconds(30)
                while try !Node.all().isEmpty, ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(200))
                }
                return try Node.all().isEmpty
            }
        } else {
            try await CurlLine.parse([domain]).run()
        }
        verdicts.close()
        guard verdicts.failed == 0 else { throw ExitCode(1) }
    }

    private func install(_ person: Operator, _ host: Host, _ verdicts: inout Verdicts) async {
        await verdicts.expect("jeeves validate finds nothing wrong") {
            try await person.run(["jeeves", "validate"], deadline: .seconds(60)) == 0
        }
        await verdicts.expect("jeeves plan says what would change and exits with 2") {
            let command = ["jeeves", "plan", "--detailed-exitcode"]
            return try await person.run(command, deadline: .seconds(300)) == 2
        }
        if drill { await resume(Drill(person: person, host: host), &verdicts) }
        await verdicts.expect("jeeves up ends with a live chat") {
            try await person.run(["jeeves", "up"], deadline: .seconds(1500)) == 0
        }
        await verdicts.expect("jeeves status shows it") {
            try await person.run(["jeeves", "status"], deadline: .seconds(120)) == 0
        }
        await verdicts.expect("curl gets the login page through the loopback port") {
            try await page.answers()
        }
        await verdicts.expect("the chat sees the caller's address, whatever the caller says") {
            try await Forwarding(host: host, domain: domain).isHonestOutside()
        }
        await verdicts.expect("a pod that calls Traefik itself is not believed either") {
            try await Forwarding(host: host, domain: domain).isHonestInside()
        }
        await verdicts.expect("kubectl reaches the cluster through the agent's tunnel") {
            let names = (1...controllers).map { "controller-\($0)" } + ["worker-1"]
            let wait = ["wait", "--for=condition=Ready", "node"] + names
            return try await person.run(
                ["jeeves", "kubectl", "--"] + wait, deadline: .seconds(120)) == 0
        }
        await verdicts.expect("jeeves logs shows a node's journal") {
            let command = ["jeeves", "logs", "controller-1", "--source", "agent", "--lines", "3"]
            return try await person.run(command, deadline: .seconds(60)) == 0
        }
        await verdicts.expect("beside jeeves serve, kubectl and logs work, up says who drives") {
            try await beside(person)
        }
        await verdicts.expect("jeeves cert renew replaces the certificate that is served") {
            let before = try await served(host)
            let code = try await person.run(["jeeves", "cert", "renew"], deadline: .seconds(300))
            let after = try await served(host)
            return code == 0 && !before.isEmpty && !after.isEmpty && before != after
        }
        await verdicts.expect("jeeves up again ends with 0") {
            try await person.run(["jeeves", "up"], deadline: .seconds(600)) == 0
        }
        if controllers > 1 {
            await verdicts.expect("a controller that is replaced joins the others again") {
                let command = ["jeeves", "up", "--replace", "controller-2"]
                return try await person.run(command, deadline: .seconds(1500)) == 0
            }
        }
        await verdicts.expect("jeeves plan finds no change left") {
            let command = ["jeeves", "plan", "--detailed-exitcode"]
            return try await person.run(command, deadline: .seconds(300)) == 0
        }
    }

    private func beside(_ person: Operator) async throws -> Bool {
        let serving = try person.start(["jeeves", "serve"])
        defer { Spawn.kill(serving) }
        let nodes = ["jeeves", "kubectl", "--", "get", "nodes"]
        var code = Int32(-1)
        let end = ContinuousClock.now + .seconds(60)
        while code != 0, ContinuousClock.now < end {
            try await Task.sleep(for: .seconds(1))
            code = try await person.run(nodes, deadline: .seconds(60))
        }
        let logs = ["jeeves", "logs", "controller-1", "--source", "agent", "--lines", "1"]
        let logged = try await person.run(logs, deadline: .seconds(60))
        let refused = try await person.run(["jeeves", "up"], deadline: .seconds(60))
        kill(serving.pid, SIGTERM)
        guard case .exited(0) = await Spawn.wait(for: serving, deadline: .seconds(30)) else {
            return false
        }
        return code == 0 && logged == 0 && refused == 6
    }

    /// Serial number of the certificate behind the loopback port.
    private func served(_ host: Host) async throws -> String {
        let port = Layout.edgePorts[0].listen
        let chain = try await host.output(
            "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", domain])
        return try await host.output("openssl", ["x509", "-noout", "-serial"], input: chain)
    }

    /// Each is killed in the middle; what follows has to find the rest done, or do it.
    private func resume(_ drill: Drill, _ verdicts: inout Verdicts) async {
        await verdicts.expect("killed while Terraform works, which goes on alone") {
            try await drill.killed(
                while: "terraform -chdir=[^ ]* apply", after: .seconds(2), both: false)
        }
        await verdicts.expect("killed together with Helm; the agent killed beside its work") {
            async let agent = drill.agentKilled(while: "jeeves-op-*.service")
            let helm = try await drill.killed(
                while: "helm .*upgrade", after: .seconds(1), both: true)
            let wasKilled = try await agent
            return helm && wasKilled
        }
    }
}
