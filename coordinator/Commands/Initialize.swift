import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves init`: the cluster file and the cluster's identity.
struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a commented jeeves.yaml and the cluster's certificate authority.",
        discussion: """
            Neither is overwritten if it exists, and a cluster file that is kept decides
            for which cluster the authority is made: an option that says otherwise is
            refused with exit status 7, and nothing is written. The root key is
            encrypted with a passphrase that is printed once: move
            .jeeves/ca/root.key.pem and the passphrase away from this machine; they are
            needed again only to rotate the root.

            With --from and --env the files of an older pipeline are read first: what they
            say goes into a new cluster file, and a table says what became of each key.
            What is typed here decides. No secret is taken over or shown.

              jeeves init --cluster chat --domain chat.example.org --email ops@example.org
              jeeves init --from terraform.tfvars --env .env
            """)

    @OptionGroup var target: ProjectOptions

    @Option(help: "Name of the cluster (default: chat).", transform: ClusterID.typed)
    var cluster: ClusterID?

    @Option(
        help: "Name under which people reach the chat (without it, an example to edit).",
        transform: DomainName.typed)
    var domain: DomainName?

    @Option(help: "Address that the CA writes to (without it, an example to edit).")
    var email: String?

    @Option(help: "AWS region (default: eu-central-1).")
    var region: String?

    @Option(
        help: .init("A terraform.tfvars of an older pipeline.", valueName: "file"),
        completion: .file())
    var from: String?

    @Option(
        help: .init("A .env file of an older pipeline.", valueName: "file"),
        completion: .file())
    var env: String?

    func validate() throws {
        do { _ = try options() } catch { throw ValidationError("\(error)") }
    }

    private func options() throws -> Founding.Options {
        try Founding.Options(cluster: cluster, domain: domain, email: email, region: region)
    }

    func run() async throws {
        do {
            let world = World.live()
            let project = try target.project()
            if from != nil || env != nil { try Founding.requireRoom(project, world.files) }
            let old = try OldPipeline.read(
                variables: from.map(Working.absolute), environment: env.map(Working.absolute),
                files: world.files)
            let options = try options()
            try options.requireAgreement(with: project, world.files)
            let (values, rows) = try Founding.Values.make(options, old: old)
            let made = try Founding.make(project, values: values, world: world)
            if !rows.isEmpty { Terminal.write(Self.table(rows) + "\n") }
            for line in made.lines { Terminal.write(line) }
        } catch {
            throw Ending.report(error)
        }
    }

    static func table(_ rows: [OldPipeline.Row]) -> String {
        Terminal.table(
            [["OLD KEY", "WHERE", "WHAT BECAME OF IT"]]
                + rows.map { [$0.key, $0.place, $0.became] })
    }
}
