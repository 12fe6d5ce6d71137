import Foundation

/// The files of the older pipeline become a cluster file, in a folder beside the cluster's.
struct OldFiles {
    private static let folder = "\(Operator.folder)/old-pipeline"
    private static let variables = """
        # as the older pipeline had them
        domain           = "chat.\(Layout.zone)"
        cert_email       = "ops@\(Layout.zone)"
        worker_count     = 3
        ssh_key_path     = "~/.ssh/pipeline.pem"
        allowed_cidrs    = ["203.0.113.0/24"]

        """
    private static let environment = """
        AWS_ACCESS_KEY_ID=AKIAPIPELINE
        AWS_SECRET_ACCESS_KEY=not-to-be-shown
        AWS_DEFAULT_REGION=\(Layout.region)
        MONGO_URL=mongodb://root:not-to-be-shown@db

        """
    private static let command = ["init", "--from", "terraform.tfvars", "--env", ".env"]

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        await verdicts.expect("init --from says what became of each key, and shows no secret") {
            try clear()
            try writeFile(Self.variables, to: "\(Self.folder)/terraform.tfvars")
            try writeFile(Self.environment, to: "\(Self.folder)/.env", mode: 0o600)
            let made = try await cluster.person.read(
                ["jeeves"] + Self.command, in: Self.folder, deadline: LiveCluster.askMax)
            let said = made.output + made.errors
            say(said)
            let rows = [
                "domain: chat.\(Layout.zone)", "nodes.workers.count: 3",
                "aws.region: \(Layout.region)", "not needed: there is no SSH",
                "app.mongodb.external.uriFile", "not known: write what it means",
            ]
            return made.succeeded && rows.allSatisfy(said.contains)
                && !said.contains("not-to-be-shown")
        }
        await verdicts.expect("the file that it wrote is valid, and holds no secret") {
            let file = try String(contentsOfFile: "\(Self.folder)/jeeves.yaml", encoding: .utf8)
            let code = try await cluster.jeeves("validate", in: Self.folder)
            return code == 0 && file.contains("domain: chat.\(Layout.zone)")
                && !file.contains("not-to-be-shown") && !file.contains("AKIAPIPELINE")
        }
        await verdicts.expect("once more it refuses with 7, for there is a file now") {
            let code = try await cluster.person.run(
                ["jeeves"] + Self.command, in: Self.folder, deadline: LiveCluster.askMax)
            try clear()
            return code == 7
        }
    }

    private func clear() throws {
        guard FileManager.default.fileExists(atPath: Self.folder) else { return }
        try FileManager.default.removeItem(atPath: Self.folder)
    }
}
