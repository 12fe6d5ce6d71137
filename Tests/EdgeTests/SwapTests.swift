import Glibc
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite("A swap that goes wrong", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct SwapTests {
    @Test("when no handshake shows the new one, the previous is back on disk and HAProxy serves it")
    func unproven() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let old = try await node.served()
            try await node.mint(generation: 2)
            let step = try #require(node.certificate as? CertificateStep)
            let blind = step.seeing(only: old)
            node.clock.hurry("certificate.prove")
            let told = await #expect(throws: Failure.self) { try await blind.apply(node.world) }
            #expect(told?.message.contains("(the previous one is back)") == true)
            #expect(told?.message.contains("a handshake that shows serial") == true)
            #expect(try node.placed() == old)
            #expect(try await node.served() == old)
            let starts = try await node.wouldStart()
            #expect(starts)
            #expect(node.ledger.ops.filter { $0 == "certificate.reload" }.count == 1)
            // Seen clearly, it is swapped.
            try await node.converge(step)
            #expect(try await node.served() != old)
        }
    }

    @Test(
        "a node that is asked tells disk and HAProxy apart, and both are what clients are shown",
        arguments: Debian.allCases)
    func held(debian: Debian) async throws {
        try await EdgeNode.with(debian) { node in
            let step = try #require(node.certificate as? CertificateStep)
            let before = await step.held(node.world)
            #expect(before == HeldCertificate(keyType: .ecdsa, disk: nil, memory: .nothing))
            try await node.serveMinted()
            let old = try await node.served()
            let right = await step.held(node.world)
            #expect(right.disk == old.summary)
            #expect(right.memory == .serial(old.serial, isUsed: true))

            // Somebody writes the bundle and does not tell HAProxy.
            try await node.mint(generation: 2)
            let (certbot, files) = (Certbot(layout: node.layout), node.edge.world.files)
            let parts = try [Certbot.Part.key, .chain].map {
                try files.text(
                    certbot.archived($0, of: node.edge.domain, .ecdsa, generation: 2)) ?? ""
            }
            try files.replace(
                node.layout.bundle, with: Array(parts.joined().utf8), mode: 0o600, op: "test")
            let split = await step.held(node.world)
            let placed = try node.placed()
            #expect(split.disk == placed.summary)
            #expect(split.disk != old.summary)
            #expect(split.memory == right.memory)
        }
    }

    @Test("certbot's files turned back by a person are refused, and the newest goes on")
    func rollback() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            try await node.mint(generation: 2)
            try await node.converge(node.certificate)
            // Within one second two certificates are equally old.
            try await node.edge.world.clock.pass(.seconds(1))
            try await node.mint(generation: 3)
            try await node.converge(node.certificate)
            let newest = try await node.served()
            try node.edge.link(generation: 2)
            let told = await #expect(throws: Failure.self) {
                try await node.certificate.apply(node.world)
            }
            #expect(told?.message.contains("it is older than the one that is served") == true)
            #expect(try await node.served() == newest)
            #expect(try node.placed() == newest)
            try node.edge.link(generation: 3)
            #expect(try await node.certificate.check(node.world) == .right)
        }
    }

    @Test("what belongs to somebody else is left alone, and the old one serves")
    func foreign() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let layout = node.layout
            try await node.mint(generation: 2)
            for path in [layout.bundle, layout.certificateList, layout.certificateFolder] {
                try #require(chown(path, 12345, 12345) == 0)
                try await expectRefusal(
                    Failure(
                        .conflict,
                        "writing the certificate for HAProxy: \(path) belongs to user 12345, not "
                            + "to root", fix: "look at who wrote \(path), then move it away"), node)
                try #require(chown(path, 0, 0) == 0)
            }
            try await node.converge(node.certificate)
        }
    }

    @Test("a folder that has become read-only is told, and the old one serves until it is not")
    func readOnly() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let folder = node.layout.certificateFolder
            let (bind, again) = (UInt(MS_BIND), UInt(MS_BIND | MS_REMOUNT | MS_RDONLY))
            try #require(mount(folder, folder, "", bind, "") == 0)
            defer { umount2(folder, CInt(MNT_DETACH)) }
            try #require(mount("", folder, "", again, "") == 0)
            try await node.mint(generation: 2)
            try await expectRefusal(
                Failure(
                    .failed, "replacing \(node.layout.bundle): Read-only file system",
                    fix: "see in `dmesg` why it is read-only, see `findmnt --target \(folder)`"),
                node)
            try #require(umount2(folder, CInt(MNT_DETACH)) == 0)
            try await node.converge(node.certificate)
        }
    }

    /// What the step throws, while nothing changes on disk or for clients.
    private func expectRefusal(_ failure: Failure, _ node: EdgeNode) async throws {
        let old = try await node.served()
        let told = await #expect(throws: Failure.self) {
            try await node.certificate.apply(node.world)
        }
        #expect(told == failure)
        #expect(try node.placed() == old)
        #expect(try await node.served() == old)
        let starts = try await node.wouldStart()
        #expect(starts)
    }
}

extension CertificateStep {
    /// The same step, to which every handshake that shows something else fails.
    func seeing(only old: CertificateFacts) -> CertificateStep {
        CertificateStep(id: id, spec: spec, state: state, layout: layout) { domain, layout, type in
            let seen = try await Self.handshake(domain, layout, type)
            guard seen == old else { throw Failure(.unavailable, "looking: it is fog") }
            return seen
        }
    }
}

extension Clocks {
    /// Until so much time has really passed.
    fileprivate func pass(_ duration: Duration) async throws {
        try await sleep(duration, op: "test.pass")
    }
}
