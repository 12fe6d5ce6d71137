import Foundation
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite struct CertificateStepTests {
    let layout = EdgeLayout()

    /// A node whose HAProxy runs with an empty list, as the step before leaves it.
    func node(
        issues generations: [EdgeFixtures.Generation] = [EdgeFixtures.first, EdgeFixtures.second]
    ) -> (FakeWorld, FakeEdge) {
        let fake = FakeWorld()
        let edge = FakeEdge(fake, issues: generations)
        fake.files.directory(layout.certificateFolder, mode: 0o700)
        fake.files[layout.certificateList] = ""
        edge.start()
        return (fake, edge)
    }

    /// The same, two months later: the first certificate serves and is due.
    func nodeWithDueCertificate() async throws -> (FakeWorld, FakeEdge) {
        let (fake, edge) = node()
        try await converge(edge.certificateStep(), fake.world)
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(70 * 86_400))
        fake.forgetOps()
        return (fake, edge)
    }

    @Test("the first certificate is issued, listed and served without a reload")
    func first() async throws {
        let (fake, edge) = node()
        let step = edge.certificateStep()
        #expect(try await step.check(fake.world) == .missing)
        try await converge(step, fake.world)
        #expect(edge.served == "a1")
        #expect(fake.files.mode(of: layout.bundle) == 0o600)
        #expect(fake.files[layout.bundle]?.hasPrefix("-----BEGIN PRIVATE KEY-----\n") == true)
        #expect(fake.files[layout.certificateList] == layout.listLine + "\n")
        #expect(!fake.ops.contains { $0.contains("reload") })
        #expect(await step.detail(fake.world).hasPrefix("serial a1, until 2026-03-31T"))
    }

    @Test("nothing is written while a good certificate is served")
    func alreadyRight() async throws {
        let (fake, edge) = node()
        try await converge(edge.certificateStep(), fake.world)
        fake.forgetOps()
        try await converge(edge.certificateStep(), fake.world)
        #expect(fake.ops.isEmpty)
    }

    @Test("at a third of its lifetime it is renewed and swapped, once, by force, in one process")
    func renewal() async throws {
        let (fake, edge) = try await nodeWithDueCertificate()
        let pid = edge.pid
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "b2")
        #expect(edge.issued == 2)
        #expect(edge.pid == pid)
        #expect(fake.units.ran.last?.command.arguments.contains("--force-renewal") == true)
    }

    @Test("a crash after any effect of the first issue is repaired with at most one more order")
    func crashes() async throws {
        var edges: [FakeEdge] = []
        try await crashMatrix(
            setup: {
                let (fake, edge) = node(issues: [EdgeFixtures.first])
                edges.append(edge)
                return fake
            },
            run: { world in try await converge(edges[edges.count - 1].certificateStep(), world) },
            verify: { _ in
                #expect(edges.last?.served == "a1")
                #expect(edges.last?.issued == 1)
            })
    }

    @Test("a crash after any effect of a renewal is repaired")
    func renewalCrashes() async throws {
        var edges: [FakeEdge] = []
        try await crashMatrix(
            setup: {
                let (fake, edge) = try await nodeWithDueCertificate()
                edges.append(edge)
                return fake
            },
            run: { world in try await converge(edges[edges.count - 1].certificateStep(), world) },
            verify: { _ in #expect(edges.last?.served == "b2") })
    }

    @Test("what was lost after issuance is repaired without a new order", arguments: 0..<4)
    func repairs(what: Int) async throws {
        let (fake, edge) = node()
        try await converge(edge.certificateStep(), fake.world)
        switch what {
        case 0: fake.files[layout.bundle] = nil
        case 1: fake.files[layout.bundle] = EdgeFixtures.second.key + EdgeFixtures.second.chain
        case 2:
            fake.files[layout.certificateList] = ""
            edge.start()
        default: fake.files.put(Array((fake.files[layout.bundle] ?? "").utf8), at: layout.bundle)
        }
        #expect(try await edge.certificateStep().check(fake.world) != .right)
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
        #expect(edge.issued == 1)
    }

    @Test("a refusal keeps the old certificate, says why, and is not tried again too soon")
    func refusal() async throws {
        let (fake, edge) = try await nodeWithDueCertificate()
        edge.refuse(
            Finished(
                ending: .exited(1),
                output: """
                      Domain: chat.example.test
                      Type:   connection
                      Detail: 192.0.2.1: Timeout during connect (likely firewall problem)

                    """, errors: "Some challenges have failed.\n"))
        let step = edge.certificateStep()
        for _ in 0..<5 {
            do {
                try await step.apply(fake.world)
                Issue.record("a refusal is a failure")
            } catch let failure as Failure {
                #expect(
                    failure.message.hasPrefix(
                        "asking https://acme.example.test/dir for a certificate for "
                            + "chat.example.test: the CA could not reach this node on port 80 "
                            + "(192.0.2.1: Timeout during connect (likely firewall problem))"))
                #expect(
                    failure.fix
                        == "open port 80 and check where the A and AAAA records of "
                        + "chat.example.test point")
            }
        }
        #expect(fake.units.ran.count == 2)
        #expect(edge.served == "a1")

        // A day of passes, one a minute, while the CA goes on refusing.
        for _ in 0..<1440 {
            fake.clock.advance(by: .seconds(60))
            try? await step.apply(fake.world)
        }
        #expect((5...16).contains(fake.units.ran.count))
        edge.refuse(nil)
        fake.clock.advance(by: .seconds(12 * 3600))
        try await converge(step, fake.world)
        #expect(edge.served == "b2")
    }

    @Test("another certbot at work is busy and costs no try")
    func busy() async throws {
        let (fake, edge) = node()
        edge.refuse(
            Finished(
                ending: .exited(1), errors: "Another instance of Certbot is already running.\n"))
        for _ in 0..<5 { try? await edge.certificateStep().apply(fake.world) }
        edge.refuse(nil)
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
    }

    @Test("material that does not verify is never written")
    func judged() async throws {
        let swapped = EdgeFixtures.Generation(
            key: EdgeFixtures.second.key, chain: EdgeFixtures.first.chain, serial: "a1")
        let (fake, edge) = node(issues: [swapped])
        let told = await #expect(throws: Failure.self) {
            try await edge.certificateStep().apply(fake.world)
        }
        #expect(
            told
                == Failure(
                    .failed,
                    "judging the new certificate: its private key belongs to another certificate",
                    fix: "read /var/log/letsencrypt/letsencrypt.log on the node"))
        #expect(fake.files[layout.bundle] == nil)
    }

    @Test("the previous bundle comes back if no handshake shows the new one")
    func unproven() async throws {
        let (fake, edge) = try await nodeWithDueCertificate()
        let before = fake.files[layout.bundle]
        edge.stick()
        await #expect(throws: Failure.self) {
            try await edge.certificateStep().apply(fake.world)
        }
        #expect(fake.files[layout.bundle] == before)
        #expect(fake.ops.contains("certificate.reload"))
        #expect(edge.served == "a1")
    }

    @Test("a runtime API that is silent costs no reload while clients are shown what is wanted")
    func silentRuntime() async throws {
        let (fake, edge) = node()
        try await converge(edge.certificateStep(), fake.world)
        fake.forgetOps()
        fake.fail(
            "certificate.show", with: Failure(.timeout, "talking: no answer in 5s"), times: 2)
        try await edge.certificateStep().apply(fake.world)
        #expect(!fake.ops.contains("certificate.reload"))
        #expect(try await edge.certificateStep().check(fake.world) == .right)
    }

    @Test("links between two generations are left to certbot to mend")
    func torn() async throws {
        let (fake, edge) = node(issues: [EdgeFixtures.first])
        try await converge(edge.certificateStep(), fake.world)
        let certbot = Certbot()
        let domain = DomainName(unchecked: "chat.example.test")
        fake.files.link(
            certbot.live(.chain, of: domain), to: "../../archive/\(domain)/fullchain7.pem")
        try await converge(edge.certificateStep(), fake.world)
        #expect(fake.units.ran.last?.command.arguments.contains("--keep-until-expiring") == true)
    }

    @Test("a crash after any effect of a removal leaves neither a key nor anything served")
    func removalCrashes() async throws {
        var edges: [FakeEdge] = []
        try await crashMatrix(
            setup: {
                let (fake, edge) = node()
                try await converge(edge.certificateStep(), fake.world)
                edges.append(edge)
                return fake
            },
            run: { world in
                let step = edges[edges.count - 1].certificateStep()
                if try await step.check(world) != .missing { try await step.remove(world) }
            },
            verify: { fake in
                #expect(fake.files[layout.bundle] == nil)
                #expect(edges.last?.served == nil)
            })
    }

    @Test("removal takes it out of HAProxy and keeps certbot's files")
    func removal() async throws {
        let (fake, edge) = node()
        try await converge(edge.certificateStep(), fake.world)
        try await edge.certificateStep().remove(fake.world)
        #expect(try await edge.certificateStep().check(fake.world) == .missing)
        #expect(edge.served == nil)
        #expect(fake.files.paths.contains { $0.hasSuffix("privkey1.pem") })
    }
}
