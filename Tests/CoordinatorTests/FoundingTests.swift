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

    @Test("old files are not taken over where there is a cluster file, for it would not change")
    func takingOver() async throws {
        try Founding.requireRoom(project, fake.files)
        fake.files[project.clusterFile] = "cluster: chat"
        await Sentence(
            .conflict, "/p/jeeves.yaml exists already", fix: "leave out --from and --env"
        ).check { try Founding.requireRoom(project, fake.files) }
    }
}
