import Glibc
import Model
import Testing

@testable import Outside

struct LiveFilesTests {
    private let folder: TemporaryFolder
    private let files = LiveFiles()

    init() throws { folder = try TemporaryFolder() }

    @Test("a file is replaced whole, with exactly the mode asked for, whatever the umask is")
    func replaceSetsMode() throws {
        let path = folder.file("haproxy.pem")
        for (mask, mode) in [(0o000, 0o600), (0o077, 0o644)] as [(mode_t, UInt16)] {
            let before = umask(mask)
            defer { umask(before) }
            try files.replace(path, with: Array("key \(mode)".utf8), mode: mode, op: "test")
            let info = try #require(try files.info(path))
            #expect(info.mode == mode)
            #expect(info.kind == .file)
            #expect(try files.text(path) == "key \(mode)")
        }
        #expect(try files.list(folder.path) == ["haproxy.pem"])
    }

    @Test(
        "a full disk keeps the old content, and is told with what to do",
        .enabled(if: getuid() == 0, "mounting a small disk needs root"))
    func replaceOnFullDisk() throws {
        let disk = folder.file("disk")
        try files.makeDirectory(disk, mode: 0o700, op: "test")
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=64k") == 0)
        defer { umount2(disk, CInt(MNT_DETACH)) }
        let path = "\(disk)/spec.json"
        try files.replace(path, with: Array("old".utf8), mode: 0o600, op: "test")
        let large = [UInt8](repeating: 7, count: 128 << 10)
        let failure = #expect(throws: Failure.self) {
            try files.replace(path, with: large, mode: 0o600, op: "test")
        }
        #expect(failure?.message.contains("No space left on device") == true)
        #expect(failure?.fix == "free space there, see `df -h \(disk)`")
        #expect(try files.text(path) == "old")
        #expect(try files.list(disk) == ["spec.json"], "half a file was left behind")
        // Space again, and the next pass simply works.
        try files.replace(path, with: Array("new".utf8), mode: 0o600, op: "test")
        #expect(try files.text(path) == "new")
    }

    @Test(
        "a read-only disk keeps the old content, and is told with where to look",
        .enabled(if: getuid() == 0, "mounting a disk needs root"))
    func replaceOnReadOnlyDisk() throws {
        let disk = folder.file("disk")
        try files.makeDirectory(disk, mode: 0o700, op: "test")
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=64k") == 0)
        defer { umount2(disk, CInt(MNT_DETACH)) }
        let path = "\(disk)/haproxy.pem"
        try files.replace(path, with: Array("old".utf8), mode: 0o600, op: "test")
        let (remount, readOnly) = (UInt(MS_REMOUNT), UInt(MS_RDONLY))
        try #require(mount("tmpfs", disk, "tmpfs", remount | readOnly, "") == 0)
        let failure = #expect(throws: Failure.self) {
            try files.replace(path, with: Array("new".utf8), mode: 0o600, op: "test")
        }
        #expect(failure?.message == "replacing \(path): Read-only file system")
        #expect(failure?.fix.contains("findmnt --target \(disk)") == true)
        #expect(try files.text(path) == "old")
    }

    @Test("a symbolic link is never written through nor replaced")
    func replaceRefusesLink() throws {
        let (target, link) = (folder.file("shadow"), folder.file("haproxy.cfg"))
        try files.replace(target, with: Array("root".utf8), mode: 0o600, op: "test")
        try #require(symlink(target, link) == 0)
        let failure = #expect(throws: Failure.self) {
            try files.replace(link, with: [1], mode: 0o644, op: "test")
        }
        #expect(failure?.code == .conflict)
        #expect(try files.text(target) == "root")
        #expect(try files.linkTarget(link) == target)
    }

    @Test("a folder in the place of a file is a conflict")
    func replaceRefusesFolder() throws {
        try files.makeDirectory(folder.file("a"), mode: 0o755, op: "test")
        let failure = #expect(throws: Failure.self) {
            try files.replace(folder.file("a"), with: [], mode: 0o644, op: "test")
        }
        #expect(failure?.code == .conflict)
    }

    @Test("when the new content cannot be written, the old one stays and nothing else is left")
    func replaceKeepsOldContent() throws {
        // Short enough for itself, too long for the temporary name beside it.
        let name = String(repeating: "n", count: 250)
        let path = folder.file(name)
        let file = open(path, O_WRONLY | O_CREAT, 0o644)
        try #require(write(file, "old", 3) == 3)
        close(file)
        let failure = #expect(throws: Failure.self) {
            try files.replace(path, with: Array("new".utf8), mode: 0o644, op: "test")
        }
        #expect(failure?.code == .failed)
        #expect(failure?.message.hasSuffix("File name too long") == true)
        #expect(try files.text(path) == "old")
        #expect(try files.list(folder.path) == [name])
    }

    @Test("a file system that takes no files is reported with errno's text")
    func noFilesHere() throws {
        let failure = #expect(throws: Failure.self) {
            try files.replace("/proc/jeeves", with: [1], mode: 0o644, op: "test")
        }
        #expect(failure?.code == .failed)
    }

    @Test("what a dead process left beside the file goes with the next replacement")
    func leftovers() throws {
        // Pids end at 2^22 on Linux (proc(5), pid_max).
        let dead = folder.file(".state.json.jeeves-4194305-1")
        let living = folder.file(".state.json.jeeves-1-1")
        for path in [dead, living] {
            try files.replace(path, with: [1], mode: 0o600, op: "test")
        }
        try files.replace(folder.file("state.json"), with: [2], mode: 0o600, op: "test")
        #expect(try files.list(folder.path) == [".state.json.jeeves-1-1", "state.json"])
    }

    @Test("a file larger than the bound is refused, one of exactly that size is read")
    func readBound() throws {
        let path = folder.file("a")
        try files.replace(path, with: [UInt8](repeating: 7, count: 100), mode: 0o644, op: "test")
        #expect(try files.read(path, bytesMax: 100).count == 100)
        let failure = #expect(throws: Failure.self) { try files.read(path, bytesMax: 99) }
        #expect(failure?.code == .invalid)
    }

    @Test("a pipe in the place of a file is refused at once instead of waited for")
    func readRefusesPipe() throws {
        try #require(mkfifo(folder.file("pipe"), 0o600) == 0)
        #expect(throws: Failure.self) { try files.read(folder.file("pipe"), bytesMax: 10) }
    }

    @Test("what is not there is not found, and nil where nil says so")
    func nothingThere() throws {
        let path = folder.file("none")
        #expect(throws: Failure.self) { try files.read(path, bytesMax: 10) }
        #expect(try files.info(path) == nil)
        #expect(try files.info("\(path)/below") == nil)
        #expect(try files.readIfThere(path) == nil)
        let failure = #expect(throws: Failure.self) { try files.list(path) }
        #expect(failure?.code == .notFound)
        try files.remove(path, op: "test")
    }

    @Test("missing parents are made, existing folders are left as they are")
    func makeDirectory() throws {
        let path = folder.file("a/b/c")
        try files.makeDirectory(path, mode: 0o700, op: "test")
        try files.makeDirectory(path, mode: 0o755, op: "test")
        #expect(try files.info(folder.file("a"))?.mode == 0o700)
        #expect(try files.info(path)?.mode == 0o700)
    }

    @Test("removing a link leaves its target, and a folder with content stays")
    func remove() throws {
        let (target, link) = (folder.file("d/target"), folder.file("link"))
        try files.makeDirectory(folder.file("d"), mode: 0o755, op: "test")
        try files.replace(target, with: [1], mode: 0o644, op: "test")
        try #require(symlink(target, link) == 0)
        try files.remove(link, op: "test")
        #expect(try files.info(link) == nil)
        #expect(try files.info(target) != nil)
        #expect(throws: Failure.self) { try files.remove(folder.file("d"), op: "test") }
    }

    @Test("the tail of a file is its last bytes, or all of a shorter one")
    func tail() throws {
        let path = folder.file("out")
        try files.replace(path, with: Array("first last".utf8), mode: 0o600, op: "test")
        #expect(try files.tail(path, bytes: 4) == Array("last".utf8))
        #expect(try files.tail(path, bytes: 400) == Array("first last".utf8))
    }
}
