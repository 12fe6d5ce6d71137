import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct SupportCommandTests {
    @Test("the last line names the archive, and the nodes that did not answer")
    func sentence() {
        func made(_ silent: [String]) -> SupportBundle.Made {
            SupportBundle.Made(
                path: "/p/x.tar.gz", bytes: 10, parts: ["README.txt"], omissions: [],
                silent: silent.map { NodeName(unchecked: $0) })
        }
        #expect(SupportCommand.sentence(made([])) == "wrote /p/x.tar.gz: 1 files, 10 bytes")
        #expect(
            SupportCommand.sentence(made(["worker-1", "worker-2"])).hasSuffix(
                "these nodes did not answer: worker-1, worker-2"))
    }
}
