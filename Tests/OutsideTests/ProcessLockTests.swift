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

    @Test("a link in its place is not followed, and told with what to type")
    func link() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        try #require(symlink(folder.file("elsewhere"), path) == 0)
        let refusal = #expect(throws: Failure.self) {
            try ProcessLock.take(path, trying: "starting", fix: "")
        }
        #expect(refusal?.code == .conflict)
        #expect(refusal?.message == "starting: opening \(path): it is not a regular file")
        #expect(refusal?.fix == "look at what \(path) is and move it away")
        #expect(try LiveFiles().info(folder.file("elsewhere")) == nil)
    }

    @Test("so is a folder in its place")
    func folder() throws {
        let folder = try TemporaryFolder()
        let refusal = #expect(throws: Failure.self) {
            try ProcessLock.take(folder.path, trying: "starting", fix: "")
        }
        #expect(refusal?.code == .conflict)
        #expect(refusal?.fix == "look at what \(folder.path) is and move it away")
    }

    @Test(
        "what keeps a file from being written is told with what to type",
        arguments: [
            (ENOSPC, "free space there, see `df -h /var/lib/jeeves`"),
            (EDQUOT, "free space there, see `df -h /var/lib/jeeves`"),
            (
                EROFS,
                "see in `dmesg` why it is read-only, see `findmnt --target /var/lib/jeeves`"
            ),
            (EACCES, "run it again as its owner, or as root"),
            (EINTR, ""),
        ])
    func fix(code: Int32, text: String) {
        #expect(writingFix(code, in: "/var/lib/jeeves") == text)
    }
}
