import Foundation
import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

/// What must not replace a bundle, and what is said then.
@Suite struct RefusedMaterialTests {
    let layout = EdgeLayout()
    let certbot = Certbot()
    let domain = DomainName(unchecked: "chat.example.test")

    /// The first certificate serves, and is due: the next pass gets the second.
    private func node() async throws -> (FakeWorld, FakeEdge) {
        let fake = FakeWorld()
        let edge = FakeEdge(fake)
        fake.files.directory(layout.certificateFolder, mode: 0o700)
        fake.files[layout.certificateList] = ""
        edge.start()
        try await converge(edge.certificateStep(), fake.world)
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(70 * 86_400))
        fake.forgetOps()
        return (fake, edge)
    }

    /// What the step throws.
    private func refusal(_ fake: FakeWorld, _ edge: FakeEdge) async -> Failure? {
        await refusal(fake, edge.certificateStep())
    }

    private func refusal(_ fake: FakeWorld, _ step: CertificateStep) async -> Failure? {
        do {
            try await step.apply(fake.world)
            return nil
        } catch { return error as? Failure }
    }

    private func link(_ fake: FakeWorld, to number: Int, _ type: KeyType = .ecdsa) {
        let lineage = certbot.lineage(of: domain, type)
        for part in [Certbot.Part.key, .chain] {
            fake.files.link(
                certbot.live(part, of: domain, type),
                to: "../../archive/\(lineage)/\(part.rawValue)\(number).pem"
            )
        }
    }

    @Test("certbot's files turned back are refused, with the way out, and cost no order")
    func rollback() async throws {
        let fake = FakeWorld()
        let edge = FakeEdge(fake)
        fake.files.directory(layout.certificateFolder, mode: 0o700)
        fake.files[layout.certificateList] = ""
        edge.start()
        let step = edge.certificateStep(.rsa, of: [.rsa])
        try await converge(step, fake.world)
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(25 * 86_400))
        try step.wishRenewal(fake.world)
        try await converge(step, fake.world)
        #expect(edge.served(.rsa) == "c5")

        link(fake, to: 1, .rsa)
        // Not the one that the wish was about.
        fake.files["/var/lib/jeeves/renewal-rsa.json"] = nil
        fake.forgetOps()
        #expect(try await step.check(fake.world) != .right)
        let told = await refusal(fake, step)
        #expect(told?.code == .conflict)
        #expect(
            told?.message == "judging the new certificate: it is older than the one that is served"
                + ": certbot's serial c4 of 2025-12-31T00:00:00Z, served c5 of 2026-01-20T00:00:00Z"
        )
        #expect(told?.fix.contains("live/chat.example.test-rsa at its newest") == true)
        #expect(edge.served(.rsa) == "c5")
        #expect(edge.issued == 2)
        #expect(fake.ops.isEmpty)

        // One of the two ways out.
        fake.clock.advance(by: .seconds(7200))
        try step.wishRenewal(fake.world)
        try await converge(step, fake.world)
        #expect(edge.issued == 3)
    }

    @Test("what is turned back and due is replaced by a new order instead of lapsing")
    func rollbackDue() async throws {
        let (fake, edge) = try await node()
        try await converge(edge.certificateStep(), fake.world)
        link(fake, to: 1)
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "b2")
        #expect(edge.issued == 3)
    }

    @Test("an older certificate is taken where nothing good is served")
    func nothingServed() async throws {
        let (fake, edge) = try await node()
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(10 * 86_400))
        fake.files[layout.bundle] = "damaged"
        edge.start()
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
        #expect(edge.issued == 1)
    }

    @Test("a newer bundle on disk that is not good holds nothing back")
    func brokenNewer() async throws {
        let (fake, edge) = try await node()
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(25 * 86_400))
        fake.files[layout.bundle] = EdgeFixtures.first.key + EdgeFixtures.second.chain
        try await converge(edge.certificateStep(), fake.world)
        #expect(edge.served == "a1")
        #expect(edge.issued == 1)
    }

    @Test("a bundle that HAProxy would not start with is taken back before it is loaded")
    func coldStart() async throws {
        let (fake, edge) = try await node()
        let before = fake.files[layout.bundle]
        edge.refuseStart(with: "b2")
        let told = await refusal(fake, edge)
        #expect(
            told?.message == "testing a start of HAProxy with the new certificate (the previous "
                + "one is back): unable to load certificate from file '\(layout.bundle)'.")
        #expect(fake.files[layout.bundle] == before)
        #expect(!fake.ops.contains("certificate.set"))
        #expect(edge.served == "a1")
    }

    @Test("a configuration that somebody broke does not keep a new certificate from being served")
    func brokenElsewhere() async throws {
        let (fake, edge) = try await node()
        edge.refuseConfig("parsing [/etc/haproxy/haproxy.cfg:9] : unknown keyword 'foo'")
        let told = await refusal(fake, edge)
        #expect(told?.message.contains("HAProxy would not start again: line 9: unknown") == true)
        #expect(told?.fix.contains("haproxy -c -f /etc/haproxy/haproxy.cfg") == true)
        #expect(edge.served == "b2")
        #expect(try await edge.certificateStep().check(fake.world) == .right)
    }

    @Test("a link in the place of the bundle, the list or their folder is not followed")
    func links() async throws {
        for path in [layout.bundle, layout.certificateList, layout.certificateFolder] {
            let (fake, edge) = try await node()
            let target = "/root/target"
            if path == layout.certificateFolder {
                fake.files.directory(target)
                for old in [layout.bundle, layout.certificateList] {
                    let name = old.split(separator: "/").last ?? ""
                    fake.files[target + "/" + name] = fake.files[old]
                }
            } else {
                fake.files[target] = fake.files[path]
            }
            let before = fake.files.paths.filter { $0.hasPrefix(target) }.map { fake.files[$0] }
            fake.files[path] = nil
            fake.files.link(path, to: target)
            let told = await refusal(fake, edge)
            #expect(told?.code == .conflict)
            #expect(
                told?.message
                    == "writing the certificate for HAProxy: \(path) is a symbolic link")
            #expect(told?.fix == "look at what \(path) is and move it away")
            let after = fake.files.paths.filter { $0.hasPrefix(target) }.map { fake.files[$0] }
            #expect(after == before)
            #expect(edge.served == "a1")
        }
    }

    @Test("a disk that takes nothing is told, and what serves goes on")
    func disk() async throws {
        for reason in ["No space left on device", "Read-only file system"] {
            let (fake, edge) = try await node()
            let failure = Failure(.failed, "replacing \(layout.bundle): \(reason)", fix: "do")
            fake.fail("certificate.bundle", with: failure)
            #expect(await refusal(fake, edge) == failure)
            #expect(edge.served == "a1")
            try await converge(edge.certificateStep(), fake.world)
            #expect(edge.served == "b2")
            #expect(edge.issued == 2)
        }
    }

    @Test("a budget that the disk does not take costs no order")
    func budget() async throws {
        let (fake, edge) = try await node()
        let full = Failure(
            .failed, "replacing /var/lib/jeeves/certificate.json: No space left on device",
            fix: "free space there, see `df -h /var/lib/jeeves`")
        fake.fail("certificate.budget", with: full)
        #expect(await refusal(fake, edge) == full)
        #expect(edge.issued == 1)
        #expect(edge.served == "a1")
    }

    @Test("a clock a year behind is told, and what serves goes on")
    func clockBehind() async throws {
        let (fake, edge) = try await node()
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(-365 * 86_400))
        let told = await refusal(fake, edge)
        #expect(
            told?.message
                == "judging the new certificate: it is valid only from 2025-12-31T00:00:00Z on")
        #expect(told?.fix == clockFix)
        #expect(edge.served == "a1")
        #expect(fake.ops.isEmpty)
    }

    @Test("a clock a year ahead makes no order of a certificate that only seems to have expired")
    func clockAhead() async throws {
        let (fake, edge) = try await node()
        fake.clock.setWall(FakeWorld.start.addingTimeInterval((10 + 365) * 86_400))
        edge.setCADate(FakeWorld.start.addingTimeInterval(10 * 86_400))
        let told = await refusal(fake, edge)
        #expect(
            told?.message
                == "before asking for a certificate for chat.example.test: the node's clock is "
                + "365 days ahead of the CA's; nothing was asked")
        #expect(told?.fix == clockFix)
        #expect(edge.served == "a1")
        #expect(edge.issued == 1)
        #expect(fake.ops.isEmpty)
    }

    private let clockFix =
        "set the node's clock right: `timedatectl set-ntp true`, then `timedatectl`"

    @Test("a link of certbot's that leads elsewhere is told with the way out")
    func elsewhere() async throws {
        let (fake, edge) = try await node()
        let link = certbot.live(.key, of: domain)
        fake.files.link(link, to: "/root/secret.pem")
        let told = await refusal(fake, edge)
        #expect(told?.message == "reading \(link): it does not lead to certbot's archive")
        #expect(told?.fix == wayOut)
        #expect(edge.served == "a1")
        #expect(fake.ops.isEmpty)
    }

    private let wayOut =
        "move live/chat.example.test, archive/chat.example.test and renewal/chat.example.test.conf "
        + "out of /etc/letsencrypt on the node"

    @Test("a generation that is gone from the archive is told with the way out")
    func missing() async throws {
        let (fake, edge) = try await node()
        let path = certbot.archived(.key, of: domain, generation: 1)
        fake.files[path] = nil
        let told = await refusal(fake, edge)
        #expect(told?.message == "reading certbot's files: \(path) is missing")
        #expect(told?.fix == wayOut)
        #expect(edge.served == "a1")
    }

    @Test("a reload that serving does not need waits while three old workers end")
    func oldWorkers() async throws {
        let (fake, edge) = try await node()
        edge.stick()
        edge.keepOldWorkers(3)
        let told = await refusal(fake, edge)
        #expect(told?.message.contains("3 old workers end since 2026-03-11T") == true)
        #expect(told?.message.contains("are too many for one more") == true)
        #expect(!fake.ops.contains("certificate.reload"))
        #expect(edge.served == "a1")
    }
}
