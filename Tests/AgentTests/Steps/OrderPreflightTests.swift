import FoundationEssentials
import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct OrderPreflightTests {
    private let fake = FakeWorld()
    private let edge: FakeEdge
    private let name = "chat.example.test"

    init() {
        edge = FakeEdge(fake)
        fake.files.directory(edge.layout.certificateFolder, mode: 0o700)
        fake.files[edge.layout.certificateList] = ""
        edge.start()
    }

    private func expectHeld(_ what: String, fix: String) async throws {
        try await expectHeld(
            Failure(
                .failed,
                "before asking for a certificate for \(name): \(what); nothing was asked", fix: fix)
        )
    }

    /// Five passes are held for that reason, nothing is ordered and nothing is counted.
    private func expectHeld(_ failure: Failure) async throws {
        for _ in 0..<5 {
            let told = await #expect(throws: Failure.self) {
                try await edge.certificateStep().apply(fake.world)
            }
            #expect(told == failure)
        }
        #expect(fake.units.ran.isEmpty)
        #expect(fake.files["/var/lib/jeeves/certificate.json"] == nil)
    }

    @Test(
        "a clock that is off holds the order until it is right",
        arguments: [
            (365.0, "365 days ahead of"), (40, "40 days ahead of"), (-365, "365 days behind"),
        ])
    func clock(days: Double, words: String) async throws {
        edge.setCADate(fake.clock.now().addingTimeInterval(-days * 86_400))
        try await expectHeld("the node's clock is \(words) the CA's", fix: clockFix)
        edge.setCADate(nil)
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    private let clockFix =
        "set the node's clock right: `timedatectl set-ntp true`, then `timedatectl`"

    @Test("a CA that is not trusted is asked for the time on its plain port, for the reason's sake")
    func untrusted() async throws {
        let tried = "connecting to acme.example.test"
        fake.network.on("GET", .tls(host: "acme.example.test", port: 443), "/dir") { _ in
            throw Failure(.unauthorized, "\(tried): it is not valid now")
        }
        let plain = Endpoint.tcp(host: "acme.example.test", port: 80)
        let now = fake.clock.now()
        fake.network.on("HEAD", plain, "/") { _ in
            HTTPResponse(status: 301, headers: ["date": HTTPDate.text(now)])
        }
        try await expectHeld(
            Failure(
                .unauthorized,
                "asking for a certificate for \(name): \(tried): it is not valid now",
                fix: "name its root in `certificate.acme.caFile`, and check the node's clock: "
                    + "`timedatectl`"))
        fake.network.on("HEAD", plain, "/") { _ in
            HTTPResponse(
                status: 301,
                headers: ["date": HTTPDate.text(now.addingTimeInterval(365 * 86_400))])
        }
        try await expectHeld("the node's clock is 365 days behind the CA's", fix: clockFix)
    }

    @Test("a name that leads elsewhere holds the order, and heals by itself")
    func elsewhere() async throws {
        fake.network.records(.a, of: name, are: [[198, 51, 100, 7]])
        try await expectHeld(
            "its A record leads to 198.51.100.7; this node is 192.0.2.1",
            fix: "run `jeeves dns sync`, or point the record here")
        fake.network.records(.a, of: name, are: [[198, 51, 100, 7], FakeEdge.address])
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("an AAAA record that leads elsewhere holds it too")
    func six() async throws {
        let address = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        fake.network.records(.aaaa, of: name, are: [address])
        try await expectHeld(
            "its AAAA record leads to 2001:db8::1; this node is 192.0.2.1",
            fix: "remove the AAAA record of \(name), or point it here")
    }

    @Test("an answer that only this network gets is not judged, nor is a resolver that fails")
    func unknown() async throws {
        fake.network.records(.a, of: name, are: [[10, 0, 0, 9]])
        fake.fail("order.records", with: Failure(.unavailable, "no"), times: 1)
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("a CAA record of the name above that names another CA holds the order")
    func caa() async throws {
        let data: [UInt8] = [0, 5] + Array("issueother.test".utf8)
        fake.network.records(.caa, of: "example.test", are: [data])
        try await expectHeld(
            "the CAA record of example.test allows only other.test",
            fix: "allow it: example.test CAA 0 issue \"ca.test\"")
    }

    @Test("a CAA record for another account of the CA's holds it, and the fix keeps to accounts")
    func account() async throws {
        let path = "/etc/letsencrypt/accounts/acme.example.test/dir/0123/regr.json"
        fake.files[path] = #"{"body": {}, "uri": "https://ca.test/acct/2"}"#
        let value = "issueca.test; accounturi=https://ca.test/acct/1"
        fake.network.records(.caa, of: name, are: [[0, 5] + Array(value.utf8)])
        try await expectHeld(
            "the CAA record of \(name) allows ca.test only for the account "
                + "https://ca.test/acct/1, and this node's is https://ca.test/acct/2",
            fix: "allow it: \(name) CAA 0 issue \"ca.test; accounturi=https://ca.test/acct/2\"")
        // Who has no account yet leaves it to the CA.
        fake.files[path] = nil
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("an agent that is stopped while it looks orders nothing")
    func stopped() async throws {
        let applying = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await edge.certificateStep().apply(fake.world)
        }
        await #expect(throws: CancellationError.self) { try await applying.value }
        #expect(fake.units.ran.isEmpty)
        #expect(fake.files["/var/lib/jeeves/certificate.json"] == nil)
    }

    @Test("a CA that is away costs no try")
    func away() async throws {
        fake.network.on("GET", .tls(host: "acme.example.test", port: 443), "/dir") { _ in
            throw Failure(.unavailable, "connecting: Connection refused")
        }
        try await expectHeld(
            Failure(
                .unavailable,
                "asking for a certificate for \(name): connecting: Connection refused",
                fix: "check the node's way out: `curl -I https://acme.example.test/dir`"))
    }

    @Test("after the CA could not reach port 80, a closed one holds the next try for some hours")
    func port() async throws {
        edge.refuse(
            Finished(ending: .exited(1), output: "  Type:   connection\n  Detail: timed out\n"))
        try? await edge.certificateStep().apply(fake.world)
        #expect(fake.units.ran.count == 1)
        fake.network.on("GET", .tcp(host: "192.0.2.1", port: 80), "/") { _ in
            throw Failure(.timeout, "no connection in time")
        }
        fake.clock.advance(by: .seconds(3600))
        let failure = await #expect(throws: Failure.self) {
            try await edge.certificateStep().apply(fake.world)
        }
        #expect(
            failure?.message
                == "before asking for a certificate for \(name): nothing answers at port 80 of "
                + "192.0.2.1 (no connection in time), and the last try failed: asking "
                + "https://acme.example.test/dir for a certificate for \(name): the CA could not "
                + "reach this node on port 80 (timed out); nothing was asked")
        #expect(
            failure?.fix == "open port 80 to everybody in the controllers' security group")
        #expect(fake.units.ran.count == 1)
        edge.refuse(nil)
        fake.clock.advance(by: .seconds(6 * 3600))
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("after a failure a rehearsal comes first, and only its success lets an order through")
    func rehearsal() async throws {
        let plain = edge.certificateStep()
        let step = CertificateStep(
            id: plain.id,
            spec: CertificateSpec(
                domain: plain.spec.domain, email: plain.spec.email,
                directory: plain.spec.directory, trustPEM: plain.spec.trustPEM,
                rehearsal: "https://stage.example.test/dir"), state: plain.state, look: plain.look)
        func rehearsals() -> [Bool] {
            fake.units.ran.map { $0.command.arguments.contains("--dry-run") }
        }
        edge.refuse(Finished(ending: .exited(1), output: "  Domain: x\n  Type:   dns\n"))
        for _ in 0..<3 {
            try? await step.apply(fake.world)
            fake.clock.advance(by: .seconds(86_400))
        }
        #expect(rehearsals() == [false, true, true])
        edge.refuse(nil)
        try await converge(step, fake.world)
        #expect(rehearsals() == [false, true, true, true, false])
        #expect(edge.served == "a1")
    }
}
