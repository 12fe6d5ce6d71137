import Model
import Outside
import Support
import Testing

@testable import Coordinator

@Suite struct PreflightTests {
    @Test("with everything there it says whose account it is, and changes nothing")
    func right() async throws {
        try await withEstate { estate in
            try await estate.drive { run in
                let said = try await Preflight().run(run)
                #expect(said == "account 123456789012, credentials from environment")
                #expect(try await Preflight().plan(run).isEmpty)
                #expect(try run.ledger.all().isEmpty)
            }
            #expect(Set(estate.fake.ops).isSubset(of: Self.questions))
        }
    }

    /// Children that only tell their version.
    private static let questions: Set = ["terraform.version", "kubectl.version", "helm.version"]

    @Test("an address that no interface owns must be forwarded, and a person is told so")
    func forwarding() async throws {
        try await withEstate { estate in
            try await estate.drive { _ = try await Preflight().run($0) }
            #expect(estate.lines.contains { $0.contains("203.0.113.7:7443 must be forwarded") })
            estate.fake.files["/proc/net/fib_trie"] = """
                     |-- 203.0.113.7
                        /32 host LOCAL
                """
            let before = estate.lines.count
            try await estate.drive { _ = try await Preflight().run($0) }
            #expect(estate.lines.count == before)
        }
    }

    @Test("credentials of another account than the machines' change nothing, and destroy nothing")
    func otherAccount() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let made = try #require(try estate.infrastructure())
            let elsewhere = Infrastructure(
                account: "210987654321", roleName: made.roleName, machines: made.machines)
            try estate.store.put(.meta, StageRun.infrastructureKey, elsewhere)
            estate.fake.forgetOps()
            let sentence = Sentence(
                .unauthorized, "the credentials belong to \(FakeAccount.number), ",
                "the cluster's machines are in 210987654321", fix: "AWS_PROFILE")
            try await estate.drive { run in
                await sentence.check { try await Preflight().run(run) }
                let driver = Driver(run: run, children: ChildTime(), progress: { _ in })
                await sentence.check { try await driver.destroy() }
            }
            #expect(Set(estate.fake.ops).isSubset(of: Self.questions))
            #expect(try estate.infrastructure() == elsewhere)
        }
    }

    @Test("the Terraform that is asked for is the one that the modules ask for")
    func modules() throws {
        let text = try golden("../../../coordinator/Terraform/versions.tf")
        #expect(text.contains("required_version = \">= \(Preflight.terraformMin.text), < 2.0.0\""))
    }

    /// One thing that is wrong at a person's machine or account, and what is said about it.
    struct Trouble: Sendable, CustomTestStringConvertible {
        let name: String
        var edits: [(String, String)] = []
        var keyID = FakeAccount.keyID
        let sentence: Sentence
        let make: @Sendable (Estate) -> Void

        init(
            _ name: String, edits: [(String, String)] = [], keyID: String = FakeAccount.keyID,
            _ sentence: Sentence, make: @escaping @Sendable (Estate) -> Void = { _ in }
        ) {
            (self.name, self.edits, self.keyID) = (name, edits, keyID)
            (self.sentence, self.make) = (sentence, make)
        }

        var testDescription: String { name }
    }

    @Test("what is missing is named before anything is changed", arguments: tools + account)
    func trouble(_ trouble: Trouble) async throws {
        try await withEstate { estate in
            trouble.make(estate)
            try await estate.drive(edits: trouble.edits, keyID: trouble.keyID) { run in
                await trouble.sentence.check { try await Preflight().run(run) }
                await trouble.sentence.check { try await Preflight().plan(run) }
            }
            #expect(Set(estate.fake.ops).isSubset(of: Self.questions))
        }
    }

    private static func missing(_ program: String) -> @Sendable (Estate) -> Void {
        { estate in
            estate.fake.fail(
                "\(program).version",
                with: Failure(.notFound, "starting \(program): it is not on PATH"), times: 2)
        }
    }

    private static let tools = [
        Trouble(
            "no Terraform",
            Sentence(
                .notFound, "checking Terraform: ", "not on PATH", fix: "install Terraform 1.9.0"),
            make: missing("terraform")),
        Trouble(
            "no kubectl",
            Sentence(.notFound, "checking kubectl: ", "not on PATH", fix: "install kubectl"),
            make: missing("kubectl")),
        Trouble(
            "no Helm", Sentence(.notFound, "checking Helm: ", "not on PATH", fix: "install Helm"),
            make: missing("helm")),
        Trouble(
            "an old Terraform",
            Sentence(
                .unsupported, "checking Terraform: its version is 1.8.5", fix: "1.9.0 or newer"),
            make: { $0.terraform.change { $0.version = "1.8.5" } }),
        Trouble(
            "an old Helm",
            Sentence(
                .unsupported, "checking Helm: its version is \"v2.17.0\"", fix: "Helm 3.13 or newer"
            ),
            make: { $0.fake.processes.on("helm", prints: "v2.17.0") }),
        Trouble(
            "a kubectl that does not run",
            Sentence(.failed, "checking kubectl: ", "exec format error", fix: "install kubectl"),
            make: {
                $0.fake.processes.on("kubectl") { _ in
                    Finished(ending: .exited(126), errors: "exec format error")
                }
            }),
    ]

    private static let account = [
        Trouble(
            "an unknown access key", keyID: "AKIAUNKNOWN",
            Sentence(
                .unauthorized, "asking AWS who we are: AWS says InvalidClientTokenId",
                fix: "`aws sts get-caller-identity`")),
        Trouble(
            "a wrong secret key",
            Sentence(
                .unauthorized, "asking AWS who we are: AWS says SignatureDoesNotMatch",
                fix: "check the secret key"),
            make: {
                $0.account.change { $0.refusal = (403, "SignatureDoesNotMatch", "does not match") }
            }),
        Trouble(
            "credentials that have expired",
            Sentence(
                .unauthorized, "AWS says ExpiredToken: The security token", fix: "aws sso login"),
            make: {
                $0.account.change {
                    $0.refusal = (
                        403, "ExpiredToken",
                        "The security token included in the request is expired"
                    )
                }
            }),
        Trouble(
            "another account", edits: [("account: \"\"", "account: \"999999999999\"")],
            Sentence(
                .unauthorized, "the credentials belong to 123456789012",
                "wants 999999999999", fix: "AWS_PROFILE")),
        Trouble(
            "no hosted zone",
            Sentence(
                .notFound, "looking for the hosted zone of chat.example.org",
                "no public zone", fix: "create the zone in Route 53"),
            make: { $0.account.change { $0.zones = [.init(id: "Z2", name: "example.net")] } }),
        Trouble(
            "only a private zone",
            Sentence(.notFound, "no public zone", fix: "create the zone in Route 53"),
            make: {
                $0.account.change {
                    $0.zones = [.init(id: "Z2", name: "example.org", isPrivate: true)]
                }
            }),
        Trouble(
            "two zones of one name",
            Sentence(
                .conflict, "2 public zones are called example.org (Z1EXAMPLE, Z2)",
                fix: "set `dns.zoneID`"),
            make: { $0.account.change { $0.zones.append(.init(id: "Z2", name: "example.org")) } }),
        Trouble(
            "a zone id that is none", edits: [("zoneID: \"\"", "zoneID: ZNOPE")],
            Sentence(
                .notFound, "reading the hosted zone ZNOPE: AWS says NoSuchHostedZone",
                fix: "`dns.zoneID`")),
    ]
}
