import Model
import Support
import Testing

@testable import Agent

@Suite struct AddressBookTests {
    private let fake = FakeWorld()
    private let state = StateFolder("/var/lib/jeeves")
    private let settings = Settings(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
        pin: Digest(unchecked: String(repeating: "0", count: 64)),
        coordinators: ["first:1", "second:1"], region: "", tokenFile: nil)
    private var book: AddressBook {
        AddressBook(settings: settings, files: fake.files, state: state)
    }

    init() throws { try state.prepare(fake.files) }

    private func accept(_ addresses: [String]?) throws {
        try SpecFile(files: fake.files, path: state.spec).accept(
            NodeSpec(
                cluster: settings.cluster, node: settings.node, epoch: 1,
                run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: settings.pin,
                steps: [], coordinators: addresses), as: settings)
    }

    @Test("what the spec says comes first, then where it was found, then what first boot knew")
    func order() throws {
        #expect(book.addresses() == ["first:1", "second:1"])
        book.found(at: "second:1")
        #expect(book.addresses() == ["second:1", "first:1"])
        try accept(["new:1", "first:1"])
        #expect(book.addresses() == ["new:1", "first:1", "second:1"])
    }

    @Test("an empty list, a damaged spec and a full disk leave the addresses that there were")
    func damage() throws {
        try accept([])
        #expect(book.addresses() == ["first:1", "second:1"])
        fake.files[state.spec] = "{"
        fake.fail("coordinator.replace", with: Failure(.failed, "no space left on device"))
        book.found(at: "second:1")
        #expect(book.addresses() == ["first:1", "second:1"])
    }
}
