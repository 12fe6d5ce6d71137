import Model
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct PackageFileTests {
    private let project = Project(folder: "/p")

    @Test("a package beside the cluster file is found by its name, wherever jeeves runs")
    func relative() throws {
        let fake = FakeWorld()
        let spec = try exampleCluster([("file: \"\"", "file: agent.deb")])
        fake.files["/p/agent.deb"] = "deb"
        let found = try PackageFile.find(spec, in: project, files: fake.files)
        #expect(found.announced.sha256 == Hash.sha256(Array("deb".utf8)))
    }

    @Test("a package that is not there is told with its whole path")
    func missing() throws {
        let spec = try exampleCluster([("file: \"\"", "file: agent.deb")])
        let failure = #expect(throws: Failure.self) {
            try PackageFile.find(spec, in: project, files: FakeWorld().files)
        }
        #expect(failure?.message == "reading the agent's package /p/agent.deb: it is not there")
    }
}
