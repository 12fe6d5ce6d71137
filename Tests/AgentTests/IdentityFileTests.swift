import Model
import Support
import Testing

@testable import Agent

@Suite struct IdentityFileTests {
    @Test("a damaged key of a request under way is named, with the way out")
    func damagedKey() throws {
        let fake = FakeWorld()
        let state = StateFolder()
        try state.prepare(fake.files)
        let path = "/var/lib/jeeves/identity/pending.key.pem"
        fake.files[path] = "no key"
        let identity = IdentityFile(files: fake.files, state: state)
        let told = #expect(throws: Failure.self) { _ = try identity.pendingPair() }
        #expect(told?.code == .invalid)
        #expect(told?.message.hasPrefix("using \(path): ") == true)
        #expect(told?.fix.hasPrefix("remove \(path) on the node") == true)
    }
}
