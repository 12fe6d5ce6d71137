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
            Neither is overwritten if it exists. The root key is encrypted with a
            passphrase that is printed once: move .jeeves/ca/root.key.pem and the
            passphrase away from this machine; they are needed again only to rotate the
            root.

              jeeves init --cluster chat --domain chat.example.org --email ops@example.org
            """)

    @OptionGroup var target: ProjectOptions

    @Option(help: "Name of the cluster.")
    var cluster = "chat"

    @Option(help: "Name under which people reach the chat.")
    var domain = "chat.example.org"

    @Option(help: "Address of the ACME account.")
    var email = "ops@example.org"

    @Option(help: "AWS region.")
    var region = "eu-central-1"

    func run() async throws {
        do {
            let made = try Founding.make(
                target.project(),
                values: .init(
                    cluster: ClusterID(cluster), domain: DomainName(domain), email: email,
                    region: region),
                world: World.live())
            for line in made.lines { Terminal.write(line) }
        } catch {
            throw Ending.report(error)
        }
    }
}
