import Model
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct FoundingTests {
    private let fake = FakeWorld()
    private let project = Project(folder: "/p")

    init() { fake.files.directory("/p") }

    private func values(_ cluster: String) throws -> Founding.Values {
        Founding.Values(
            cluster: try ClusterID(cluster), domain: try DomainName("chat.example.org"),
            email: "ops@example.org", region: "eu-central-1")
    }

    @Test("the authority is made for the cluster of the file that is kept")
    func kept() throws {
        let text = Example.render(try values("kept"))
        fake.files[project.clusterFile] = text
        _ = try Founding.make(project, values: values("chat"), world: fake.world)
        #expect(fake.files[project.clusterFile] == text)
        let root = try #require(fake.files[project.root])
        #expect(try Authority.isRoot(root, of: ClusterID("kept")))
        #expect(try !Authority.isRoot(root, of: ClusterID("chat")))
    }

    @Test("a state folder of a cluster of another name is refused, and nothing is written")
    func otherName() async throws {
        _ = try Founding.make(project, values: values("chat"), world: fake.world)
        fake.forgetOps()
        let again = try Founding.make(project, values: values("chat"), world: fake.world)
        #expect(again.lines.allSatisfy { $0.hasPrefix("kept ") })
        for file in [Example.render(try values("other")), nil] {
            fake.files[project.clusterFile] = file
            await Sentence(
                .conflict, "beginning the cluster other", "a cluster of another name",
                fix: "another folder with --state"
            ).check { try Founding.make(project, values: values("other"), world: fake.world) }
        }
        #expect(fake.ops.isEmpty)
    }

    @Test("what is typed and no cluster file may say is refused by its option")
    func wrongOptions() async {
        await Sentence(
            .invalid, "reading --email: \"nope\" is not an e-mail address",
            fix: "the CA may write to"
        ).check { try Founding.Options(email: "nope") }
        await Sentence(
            .invalid, "reading --region: \"Frankfurt\" is not an AWS region", fix: "eu-central-1"
        ).check { try Founding.Options(region: "Frankfurt") }
        await Sentence(.invalid, "reading --email: its value may have only", fix: "mend").check {
            try Founding.Options(email: "ops@example.org\nevil: true")
        }
    }

    @Test("a kept file that says otherwise than what is typed is told, and one that agrees is kept")
    func agreement() async throws {
        func agree(_ options: Founding.Options) throws {
            try options.requireAgreement(with: project, fake.files)
        }
        let other = try Founding.Options(cluster: ClusterID("other"), region: "eu-west-1")
        try agree(other)
        fake.files[project.clusterFile] = Example.render(try values("chat"))
        try agree(Founding.Options())
        try agree(Founding.Options(cluster: ClusterID("chat"), email: "ops@example.org"))
        await Sentence(
            .conflict, "cluster: chat, not other; aws.region: eu-central-1, not eu-west-1",
            fix: "leave out --cluster, --region"
        ).check { try agree(other) }
        #expect(fake.ops.isEmpty, "nothing was written")
    }

    @Test("old files are not taken over where there is a cluster file, for it would not change")
    func takingOver() async throws {
        try Founding.requireRoom(project, fake.files)
        fake.files[project.clusterFile] = "cluster: chat"
        await Sentence(
            .conflict, "/p/jeeves.yaml exists already", fix: "leave out --from and --env"
        ).check { try Founding.requireRoom(project, fake.files) }
    }
}
