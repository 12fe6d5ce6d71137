import Foundation
import Model
import Testing
import X509

@testable import Trust

/// One authority, and every way to come with a certificate that is not good enough.
struct PeerPolicyTests {
    let made: Authority.New
    let authority: Authority
    let forge: Forge
    let now = Forge.start
    private let cluster = Forge.cluster
    private let node = Forge.node

    init() throws {
        made = try Founded.authority.get()
        authority = try Authority(
            rootPEM: made.rootPEM, intermediatePEM: made.intermediatePEM,
            intermediateKeyPEM: made.intermediateKeyPEM)
        forge = try Forge(made)
    }

    private func agentChain(at date: Date? = nil) throws -> [[UInt8]] {
        try ders(
            of:
                authority.issueAgent(
                    csrPEM: KeyPair.make().csrPEM(), node: node, cluster: cluster, now: date ?? now)
        )
    }

    private func coordinatorChain(at date: Date? = nil) throws -> [[UInt8]] {
        try ders(
            of:
                authority.issueCoordinator(
                    csrPEM: KeyPair.make().csrPEM(), cluster: cluster, now: date ?? now))
    }

    private func checkAgent(
        _ chain: [[UInt8]], denied: Set<String> = [], at date: Date? = nil
    ) async throws -> VerifiedPeer {
        try await PeerPolicy.checkAgent(
            chain, cluster: cluster, rootPEM: made.rootPEM, denied: denied, now: date ?? now)
    }

    private func checkCoordinator(
        _ chain: [[UInt8]], at date: Date? = nil
    ) async throws -> VerifiedPeer {
        try await PeerPolicy.checkCoordinator(
            chain, cluster: cluster, pin: authority.pin, now: date ?? now)
    }

    @Test("an agent of this cluster is known by its URI")
    func goodAgent() async throws {
        let peer = try await checkAgent(agentChain())
        #expect(peer.uri == "spiffe://prod/agent/controller-1")
        #expect(!peer.expired)
        #expect(peer.issuedAt == now)
        // The root itself may be left out of what the agent shows.
        #expect(try await checkAgent(Array(agentChain().dropLast())).uri == peer.uri)
    }

    @Test("the coordinator is known by the pin of its root")
    func goodCoordinator() async throws {
        let peer = try await checkCoordinator(coordinatorChain())
        #expect(
            peer
                == VerifiedPeer(
                    uri: "spiffe://prod/coordinator", serial: peer.serial, expired: false,
                    issuedAt: peer.issuedAt))
    }

    @Test(
        "an agent that was off comes back for a renewal, and for nothing else",
        arguments: [(1, true), (3, true), (200, true), (400, true)])
    func expiredAgent(daysOff: Double, isExpired: Bool) async throws {
        let peer = try await checkAgent(
            agentChain(), at: now.addingTimeInterval(daysOff * 86400 + 1))
        #expect(peer.expired == isExpired)
    }

    @Test("a certificate is good to its last second")
    func lastSecond() async throws {
        #expect(try await !checkAgent(agentChain(), at: now.addingTimeInterval(86400)).expired)
    }

    @Test("a revoked agent is refused by its serial number and by its name, also when expired")
    func revoked() async throws {
        let shown = try agentChain()
        let serial = try await checkAgent(shown).serial
        for denied in [serial, "controller-1"] {
            for date in [now, now.addingTimeInterval(3 * 86400)] {
                let failure = try await failure {
                    _ = try await checkAgent(shown, denied: [denied], at: date)
                }
                #expect(failure.message == "checking the peer: controller-1 has been revoked")
            }
        }
        #expect(try await checkAgent(shown, denied: ["controller-2", "00"]).uri.hasSuffix("-1"))
    }

    @Test("every bad certificate of an agent is refused for its own reason", arguments: Bad.agents)
    func badAgents(bad: Bad) async throws {
        let shown = try bad.chain(self)
        let failure = try await failure {
            _ = try await checkAgent(shown, at: bad.date)
        }
        #expect(failure.code == .unauthorized)
        #expect(failure.message == "checking the peer: \(bad.reason)")
    }

    @Test("bad certificates are told apart by at least twelve reasons")
    func reasons() { #expect(Set(Bad.agents.map(\.reason)).count >= 12) }

    @Test(
        "every bad certificate of a coordinator is refused for its own reason",
        arguments: Bad.coordinators)
    func badCoordinators(bad: Bad) async throws {
        let shown = try bad.chain(self)
        let failure = try await failure {
            _ = try await checkCoordinator(shown, at: bad.date)
        }
        #expect(failure.code == .unauthorized)
        #expect(failure.message == "checking the peer: \(bad.reason)")
    }

    /// One way to be refused.
    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: String
        let date: Date
        let chain: @Sendable (PeerPolicyTests) throws -> [[UInt8]]

        init(
            _ name: String, _ reason: String, at date: Date = Forge.start,
            _ chain: @escaping @Sendable (PeerPolicyTests) throws -> [[UInt8]]
        ) {
            testDescription = name
            self.reason = reason
            self.date = date
            self.chain = chain
        }
    }
}
