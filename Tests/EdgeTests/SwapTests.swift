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
            try await node.converge(node.certificate)
            let old = try await node.served()
            try await node.mint(generation: 2)
            let step = try #require(node.certificate as? CertificateStep)
            let blind = CertificateStep(
                id: step.id, spec: step.spec, state: step.state, layout: step.layout,
                look: { domain, layout, type in
                    let seen = try await CertificateStep.handshake(domain, layout, type)
                    guard seen == old else { throw Failure(.unavailable, "looking: it is fog") }
                    return seen
                })
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

    @Test("certbot's files turned back by a person are refused, and the newest goes on")
    func rollback() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
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

    @Test("a bundle that belongs to somebody else is left alone, and the old one serves")
    func foreign() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            let old = try await node.served()
            let path = node.layout.bundle
            try #require(chown(path, 12345, 12345) == 0)
            try await node.mint(generation: 2)
            let told = await #expect(throws: Failure.self) {
                try await node.certificate.apply(node.world)
            }
            #expect(told?.message.hasSuffix("\(path) belongs to user 12345, not to root") == true)
            #expect(told?.fix == "look at who wrote \(path), then move it away")
            #expect(try node.placed() == old)
            #expect(try await node.served() == old)
        }
    }
}

extension Clocks {
    /// Until so much time has really passed.
    fileprivate func pass(_ duration: Duration) async throws {
        try await sleep(duration, op: "test.pass")
    }
}
