import Foundation
import Model

/// Carries the operator's folder to a machine on which the coordinator is a service, and the state
/// folder back to where every other scenario looks for it.
struct ServiceMove {
    /// The operator's folder there.
    static let project = "/root/chat"
    /// The state folder there, once the service has it.
    private static let state = "/var/lib/jeeves-coordinator"
    private static let mirror = TerraformMirror(folder: "/opt/terraform-providers")
    /// What the lab's account and mirror need, and the service and its verbs have to be told.
    static let settings =
        "AWS_ENDPOINT_URL=\(Layout.awsURL) TF_CLI_CONFIG_FILE=/etc/terraform.rc"
    /// Where the state waits that was carried away, and where it arrives again.
    private static let left = "\(Operator.folder)/state-before"
    private static let arriving = "\(Operator.folder)/state-after"

    let cluster: LiveCluster

    var desk: Desk { Desk(host: cluster.host) }

    /// A cluster file as it has to be there: what it names lies beside it, or came with `jeeves`.
    static func there(_ file: ClusterText) -> ClusterText {
        var file = file
        file.agent = "/usr/share/jeeves/jeeves-agent.deb"
        file.acmeServerCA = "acme-server-ca.pem"
        file.acmeRoot = "acme-root.pem"
        return file
    }

    /// Makes the machine, with the programs that a person installs beside `jeeves`.
    func prepare() async throws {
        try await desk.boot(binds: ["\(TerraformMirror.find().folder):\(Self.mirror.folder)"])
        let clients = try await KubernetesClients(cache: Cache()).folder()
        guard let terraform = Host.find("terraform") else {
            throw Failure(.notFound, "looking for Terraform: not on PATH", fix: "make setup")
        }
        for program in [terraform, "\(clients)/helm", "\(clients)/kubectl"] {
            try await cluster.host.output(
                "install",
                ["--mode=0755", "--target-directory=\(Desk.disk)/usr/local/bin", program])
        }
        try await cluster.host.output("cp", [cluster.package, "\(Desk.disk)/root/jeeves.deb"])
        try await desk.output(
            """
            apt-get update
            apt-get install --yes --no-install-recommends sudo /root/jeeves.deb
            """, deadline: .seconds(180))
    }

    /// Carries everything there and leaves no state folder here: of two copies one is too many.
    func away(_ file: ClusterText) async throws {
        let project = Desk.disk + Self.project
        try await cluster.host.output("cp", ["--archive", Operator.project, project])
        try Self.forgetProviders(of: "\(project)/.jeeves")
        for file in [Layout.acmeServerCA, Layout.acmeRoot] {
            try await cluster.host.output("cp", [file, project])
        }
        try Self.there(file).write(in: project)
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map {
            "\($0)=\(Layout.awsEnvironment[$0] ?? "")\n"
        }
        try writeFile(keys.joined(), to: "\(project)/.env", mode: 0o600)
        try writeFile(Self.mirror.settings, to: "\(Desk.disk)/etc/terraform.rc")
        // What `systemctl edit jeeves` makes.
        try writeFile(
            "[Service]\nEnvironment=\(Self.settings)\n",
            to: "\(Desk.disk)/etc/systemd/system/jeeves.service.d/override.conf")
        try FileManager.default.moveItem(atPath: Operator.state, toPath: Self.left)
    }

    /// Ends the machine, whatever it does, and puts the state folder back; does nothing if there is
    /// no such machine. Killed in between, it does the rest when it is called again.
    func back() async throws {
        guard Desk.isThere else { return }
        say("the state folder goes back to \(Operator.state)")
        // What is not orderly in a minute, or was killed already, ends with the machine.
        _ = try? await desk.run("systemctl stop jeeves; systemctl stop jeeves-up")
        try await desk.kill()
        let (files, theirs) = (FileManager.default, Desk.disk + Self.state)
        if !files.fileExists(atPath: Operator.state) {
            if files.fileExists(atPath: "\(theirs)/jeeves.db") {
                try? files.removeItem(atPath: Self.arriving)
                try await cluster.host.output("cp", ["--archive", theirs, Self.arriving])
                try await cluster.host.output("chown", ["--recursive", "root:root", Self.arriving])
                try Self.forgetProviders(of: Self.arriving)
                try files.moveItem(atPath: Self.arriving, toPath: Operator.state)
            } else {
                try files.moveItem(atPath: Self.left, toPath: Operator.state)
            }
        }
        try? files.removeItem(atPath: Self.left)
        try await desk.remove()
    }

    /// Terraform links to the providers of the machine on which it runs.
    private static func forgetProviders(of state: String) throws {
        let providers = "\(state)/terraform/.terraform/providers"
        guard FileManager.default.fileExists(atPath: providers) else { return }
        try FileManager.default.removeItem(atPath: providers)
    }
}
