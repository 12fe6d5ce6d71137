import Glibc
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
}
