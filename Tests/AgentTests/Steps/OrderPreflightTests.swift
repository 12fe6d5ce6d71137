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

    /// Five passes are held for that reason, nothing is ordered and nothing is counted.
    private func expectHeld(_ reason: String, fix: String = "") async throws {
        for _ in 0..<5 {
            let failure = await #expect(throws: Failure.self) {
                try await edge.certificateStep().apply(fake.world)
            }
            #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
            #expect(failure?.fix.contains(fix) == true || fix.isEmpty, "\(failure?.fix ?? "")")
        }
        #expect(fake.units.ran.isEmpty)
        #expect(fake.files["/var/lib/jeeves/certificate.json"] == nil)
    }

    @Test(
        "a clock that is off holds the order until it is right",
        arguments: [(365.0, "ahead of"), (40, "ahead of"), (-365, "behind")])
    func clock(days: Double, word: String) async throws {
        let server = Endpoint.tls(host: "acme.example.test", port: 443)
        let right = HTTPDate.text(fake.clock.now().addingTimeInterval(-days * 86_400))
        fake.network.on("GET", server, "/dir") { _ in
            HTTPResponse(
                status: 200, headers: ["date": right],
                body: Array(#"{"newOrder": "https://x"}"#.utf8))
        }
        try await expectHeld("\(word) the CA's", fix: "timedatectl")
    }

    @Test("a name that leads elsewhere holds the order, and heals by itself")
    func elsewhere() async throws {
        fake.network.records(.a, of: name, are: [[198, 51, 100, 7]])
        try await expectHeld(
            "its A record leads to 198.51.100.7; this node is 192.0.2.1", fix: "--take-dns")
        fake.network.records(.a, of: name, are: [[198, 51, 100, 7], FakeEdge.address])
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("an AAAA record that leads elsewhere holds it too")
    func six() async throws {
        let address = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        fake.network.records(.aaaa, of: name, are: [address])
        try await expectHeld("its AAAA record leads to 2001:db8::1", fix: "remove the AAAA")
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
            "the CAA record of example.test allows only other.test", fix: "CAA 0 issue \"ca.test\"")
    }

    @Test("a CA that is away costs no try")
    func away() async throws {
        fake.network.on("GET", .tls(host: "acme.example.test", port: 443), "/dir") { _ in
            throw Failure(.unavailable, "connecting: Connection refused")
        }
        try await expectHeld("Connection refused")
    }

    @Test("after the CA could not reach port 80, a closed one holds the next try for some hours")
    func port() async throws {
        edge.refuse(
            Finished(ending: .exited(1), output: "  Domain: x\n  Type:   connection\n"))
        try? await edge.certificateStep().apply(fake.world)
        #expect(fake.units.ran.count == 1)
        fake.network.on("GET", .tcp(host: "192.0.2.1", port: 80), "/") { _ in
            throw Failure(.timeout, "no connection in time")
        }
        fake.clock.advance(by: .seconds(3600))
        let failure = await #expect(throws: Failure.self) {
            try await edge.certificateStep().apply(fake.world)
        }
        #expect(failure?.message.contains("nothing answers at port 80 of 192.0.2.1") == true)
        #expect(failure?.fix.contains("security group") == true)
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
