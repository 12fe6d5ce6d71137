import Glibc
import Model
import Outside
import Support
import Testing

@testable import Commands

@Suite struct WorkingTests {
    @Test("who typed a verb is named, also where sudo had it run as another")
    func user() throws {
        let own = String(cString: try #require(getpwuid(getuid())).pointee.pw_name)
        #expect(Working.user([:]) == own)
        #expect(Working.user(["SUDO_USER": ""]) == own)
        #expect(Working.user(["SUDO_USER": "ann"]) == "ann")
    }

    @Test(
        "root runs nothing out of a state folder of another user, and is told what to type",
        .enabled(if: getuid() == 0, "giving a folder away needs root"))
    func foreignFolder() throws {
        let world = World.live()
        let folder = "/tmp/working-\(world.chance.runID())"
        try world.files.makeDirectory(folder, mode: 0o755, op: "test.folder")
        defer { world.files.clear(folder) }
        let options = try ProjectOptions.parse(["--state", folder])
        let verb = Resumption("jeeves up", of: options)
        #expect(try options.project(for: verb, user: 0).state == folder)

        let link = "\(folder)-link"
        #expect(symlink(folder, link) == 0)
        defer { unlink(link) }
        let nobody = try #require(getpwnam("nobody")).pointee.pw_uid
        #expect(chown(folder, nobody, nobody) == 0)
        #expect(try options.project(for: verb, user: nobody).state == folder)
        for path in [folder, link] {
            let there = try ProjectOptions.parse(["--state", path])
            let failure = #expect(throws: Failure.self) {
                try there.project(for: Resumption("jeeves up", of: there), user: 0)
            }
            #expect(failure?.code == .unauthorized)
            #expect(failure?.fix == "run `sudo --user nobody jeeves up --state \(path)`")
        }
    }
}
