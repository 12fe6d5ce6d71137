import Glibc
import Model
import Testing

@testable import Outside

@Suite struct ProcessLockTests {
    @Test("who comes second is refused, with what to type, and the first one keeps the lock")
    func second() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        try ProcessLock.take(path, trying: "starting", fix: "stop the other one")
        for _ in 1...2 {
            let refusal = #expect(throws: Failure.self) {
                try ProcessLock.take(path, trying: "starting", fix: "stop the other one")
            }
            #expect(refusal?.code == .locked)
            #expect(refusal?.message == "starting: another one runs already and has \(path)")
            #expect(refusal?.fix == "stop the other one")
        }
        #expect(try LiveFiles().info(path)?.mode == 0o600)
    }

    @Test("a link in its place is not followed")
    func link() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        try #require(symlink(folder.file("elsewhere"), path) == 0)
        let refusal = #expect(throws: Failure.self) {
            try ProcessLock.take(path, trying: "starting", fix: "")
        }
        #expect(refusal?.code == .failed)
        #expect(try LiveFiles().info(folder.file("elsewhere")) == nil)
    }
}
