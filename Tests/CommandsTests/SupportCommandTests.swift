import ArgumentParser
import Model
import Outside
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct SupportCommandTests {
    private func made(_ silent: [String] = []) -> SupportBundle.Made {
        SupportBundle.Made(
            path: "/p/x.tar.gz", bytes: 10,
            sha256: Digest(unchecked: String(repeating: "a", count: 64)),
            files: [.init(path: "README.txt", bytes: 7)], omissions: ["plan.json: none"],
            silent: silent.map { NodeName(unchecked: $0) })
    }

    @Test("the last line names the archive, and the nodes that did not answer")
    func sentence() {
        #expect(SupportCommand.sentence(made()) == "wrote /p/x.tar.gz: 1 files, 10 bytes")
        #expect(
            SupportCommand.sentence(made(["worker-1", "worker-2"])).hasSuffix(
                "these nodes did not answer: worker-1, worker-2"))
    }

    @Test("a program reads the archive, its digest, each file with its size, and what is missing")
    func document() throws {
        let digest = String(repeating: "a", count: 64)
        #expect(
            String(decoding: try JSON.encode(made(["worker-1"])), as: UTF8.self) == """
                {"bytes":10,"files":[{"bytes":7,"path":"README.txt"}],\
                "omissions":["plan.json: none"],"path":"/p/x.tar.gz","sha256":"\(digest)",\
                "silent":["worker-1"]}
                """)
    }

    @Test("the format of the output and the archive's place are two flags")
    func flags() throws {
        let command = try SupportCommand.parse(["--out", "/p/x.tar.gz", "-o", "json"])
        #expect(command.out == "/p/x.tar.gz")
        #expect(command.output == .json)
        #expect(throws: (any Error).self) { try SupportCommand.parse(["--output", "/p/x.tar.gz"]) }
    }
}
