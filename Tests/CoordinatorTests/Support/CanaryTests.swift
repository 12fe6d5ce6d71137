import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Support
import Synchronization
import Testing

@testable import AWS
@testable import Coordinator

/// Every secret that the product knows is a word that stands nowhere else. Then a cluster is made,
/// a support bundle is gathered, and everything that others may see is searched for those words.
@Suite struct CanaryTests {
    private static let password = "CnryDatabase01"
    private static let uri = "mongodb://chat:\(password)@db.example.org/rocketchat?replicaSet=rs0"
    private static let license = "CnryLicence02abcdef"
    private static let dotEnv = "CnryDotEnv03"
    private static let environment = [
        "AWS_ACCESS_KEY_ID": "AKIACNRY04ABCDEFGHIJ", "AWS_SECRET_ACCESS_KEY": "CnryAwsSecret05",
        "AWS_SESSION_TOKEN": "CnryAwsSession06",
    ]
    private static let chartPassword = "CnryChartPassword07"
    private static let kubeconfigToken = "CnryKubeconfigToken08"
    private static let yaml = "CnryClusterFile09"
    /// What only a node knows, as its logs may repeat it.
    private static let nodes = [
        "CnryJoinTicket10": "microk8s join 10.42.0.10:25000/%/aabbcc --worker",
        "CnryPassword11": "connecting with password=%",
        "CnryBearer12abc": "GET /api Authorization: Bearer %",
        "CnryURL13": "fetching https://user:%@registry.example.org/v2/",
        "CnryNodeKey14": "-----BEGIN EC PRIVATE KEY-----\n%\n-----END EC PRIVATE KEY-----",
        "CnryAddNode15abc": "running microk8s add-node --token %",
    ]
    private static let project = StageStand.project

    private struct Seeds {
        /// Every secret but those of the person's environment.
        let all: Set<String>
        /// What every log of every node says: all of them, in the ways in which programs do.
        let journal: String
    }

    private static func seed(_ estate: Estate, _ store: Store) throws -> Seeds {
        let (files, example) = (
            estate.fake.files,
            Founding.Values(
                cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1")
        )
        files["/p/jeeves.yaml"] =
            Example.render(example).replacing(
                "licenseFile: \"\"", with: "licenseFile: license.txt")
            + "\n# a note of a person: password: \(yaml)\n"
        files.put(Array("\(uri)\n".utf8), at: "/p/mongodb.uri", mode: 0o600)
        files.put(Array("\(license)\n".utf8), at: "/p/license.txt", mode: 0o600)
        files.put(Array("AWS_SECRET_ACCESS_KEY=\(dotEnv)\n".utf8), at: "/p/.env", mode: 0o600)
        files.put(
            Array(#"{"root":"\#(chartPassword)"}"#.utf8), at: "/p/.jeeves/kube/mongodb.json",
            mode: 0o600)
        let founded = try Founding.make(project, values: example, world: estate.fake.world)
        let shown = try #require(founded.lines.first { $0.contains("passphrase, shown only now") })
        let passphrase = try #require(shown.split(separator: " ").last.map(String.init))
        let token = try Tokens(store).make(
            for: NodeName(unchecked: "worker-9"), lifetime: .seconds(60), now: FakeWorld.start,
            chance: estate.fake.chance)
        // A line that is shorter is no secret by itself.
        let keys = [project.rootKey, project.intermediateKey].flatMap { path in
            (files[path] ?? "").split(separator: "\n").map(String.init)
        }.filter { !$0.hasPrefix("-----") && $0.count >= 16 }
        #expect(!keys.isEmpty)
        let known = twice(
            [uri, password, license, dotEnv, chartPassword, kubeconfigToken, "wJalrXUtnFEMI"]
                + keys)
        let lines =
            [
                "Server chat/10.42.0.10 is UP", "passphrase: \(passphrase)",
                "token=\(token.reveal())",
            ]
            + (known + twice(Array(environment.values))).map { "the program printed \($0) again" }
            + nodes.map { $1.replacing("%", with: $0) }
        return Seeds(
            all: Set(known + nodes.keys + [passphrase, token.reveal(), yaml, "token-1"]),
            journal: lines.joined(separator: "\n") + "\n")
    }

    /// As it is, and as Kubernetes writes it.
    private static func twice(_ secrets: [String]) -> [String] {
        secrets + secrets.map { Data($0.utf8).base64EncodedString() }
    }

    /// Makes the cluster and a bundle of it; returns the bundle's bytes.
    private static func work(_ estate: Estate, _ seeds: Seeds) async throws -> String {
        estate.agents.change {
            $0.kubeconfig += "\ntoken: \(kubeconfigToken)\n"
            $0.journal = seeds.journal
        }
        estate.fake.playTar()
        var made: SupportBundle.Made?
        try await estate.drive(edits: [("licenseFile: \"\"", "licenseFile: license.txt")]) { run in
            let driver = Driver(
                run: run, recipe: estate.recipe(), children: ChildTime(), progress: { _ in })
            _ = try await driver.up()
            var witness = Witness.driver(driver)
            witness.status = {
                try ClusterStatus.read(
                    run.cluster, store: run.store, connected: await run.downlinks.connected(),
                    now: run.world.clock.now())
            }
            let bundle = SupportBundle(
                project: project, store: run.store, world: run.world, environment: environment,
                since: FakeWorld.start)
            made = try await bundle.make(at: "/p/bundle.tar.gz", witness)
            // So much would lie in the database for a moment, were a verb to ask beside this.
            let answer = try await run.answer(
                to: .logs(.agent, lines: 10), of: NodeName(unchecked: "worker-1"))
            expectNone(of: seeds.all, in: answer, "an answer to a verb beside")
        }
        #expect(made?.omissions == [])
        let files = try #require(made).files.map(\.path)
        #expect(files.contains("doctor.json"))
        #expect(files.contains("plan.json"))
        return try #require(estate.fake.files["/p/bundle.tar.gz"])
    }

    private static func expectNone(
        of canaries: Set<String>, in text: String, _ place: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for canary in canaries.sorted() {
            #expect(
                !text.contains(canary), "\(canary) is in \(place)", sourceLocation: sourceLocation)
        }
    }

    @Test("no secret is in a bundle, in an argument or environment, in a log or in the database")
    func canaries() async throws {
        try await withFolder { folder in
            let path = "\(folder)/jeeves.db"
            let tape = LogTape()
            let estate = try Estate(path: path, log: tape.logger)
            let seeds = try Self.seed(estate, estate.store)
            let bundle = try await Self.work(estate, seeds)
            let all = seeds.all.union(Self.twice(Array(Self.environment.values)))
            Self.expectNone(of: all, in: bundle, "the bundle")
            #expect(bundle.contains("Server chat/10.42.0.10 is UP"), "the logs are there")
            #expect(bundle.contains("the program printed [redacted] again"))
            Self.expectNone(of: all, in: tape.text, "the log")
            Self.expectNone(
                of: all, in: estate.lines.joined(separator: "\n"), "what a person was told")
            for name in try World.live().files.list(folder) {
                let bytes = try World.live().files.read("\(folder)/\(name)", bytesMax: 64 << 20)
                Self.expectNone(
                    of: all, in: String(decoding: bytes, as: UTF8.self), "the file \(name)")
            }
            Self.searchChildren(of: estate, for: all)
        }
    }

    /// Secrets reach a child by its standard input, or by the environment of Terraform alone.
    private static func searchChildren(of estate: Estate, for canaries: Set<String>) {
        let commands = estate.fake.processes.commands
        #expect(commands.contains { $0.input?.reveal().contains(password) == true }, "they work")
        for command in commands {
            let place = "the argv of \(command.program)"
            expectNone(of: canaries, in: "\(command)", place)
            let environment = command.environment.map { "\($0)=\($1)" }.joined(separator: "\n")
            expectNone(of: canaries, in: environment, "the environment of \(command.program)")
            if !command.secrets.isEmpty {
                #expect(command.program == "terraform", "only Terraform signs with these keys")
            }
        }
        let terraform = commands.first { !$0.secrets.isEmpty }
        #expect(terraform?.secrets["AWS_SECRET_ACCESS_KEY"]?.reveal() == "wJalrXUtnFEMI")
    }
}

/// Keeps everything that is logged.
private final class LogTape: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger { Logger(label: "test") { _ in Writer(tape: self) } }
    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    private struct Writer: LogHandler {
        let tape: LogTape
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).merging(metadata) { $1 }
            tape.lines.withLock { $0.append("\(event.message) \(details)") }
        }
    }
}
