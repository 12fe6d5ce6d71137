import Crypto
import Foundation
import Model
import X509

@testable import Trust

extension PeerPolicyTests.Bad {
    private typealias Wish = Forge.Wish

    private static let day: TimeInterval = 86400

    /// Signed by the cluster's own intermediate, and still not right.
    private static func signed(
        _ name: String, _ reason: String, at date: Date = Forge.start,
        _ change: @escaping @Sendable (inout Forge.Wish) -> Void
    ) -> Self {
        Self(name, reason, at: date) { test in
            var wish = Forge.Wish()
            change(&wish)
            return try [test.forge.sign(wish).der, test.forge.der] + ders(of: test.made.rootPEM)
        }
    }

    private static func uri(_ text: String) -> [GeneralName] { [.uniformResourceIdentifier(text)] }

    private static let notTrusted = [
        Self("nothing", "it showed no certificate") { _ in [] },
        Self("garbage", "its certificate cannot be read") { _ in [[0x30, 0x82, 0xff, 0xff, 1]] },
        Self("a truncated certificate", "its certificate cannot be read") { test in
            try [test.forge.sign().der.dropLast(), test.forge.der]
        },
        Self("five certificates", "its chain is too long") { test in
            try Array(repeating: test.forge.sign().der, count: 5)
        },
        Self("another cluster's authority", "its chain ends in another root than the cluster's") {
            test in
            let other = try Forge.foreign("staging")
            return try [other.intermediate.sign().der, other.intermediate.der, other.root.der]
        },
        Self(
            "another authority of the same name",
            "its chain holds a certificate that its issuer did not sign"
        ) { test in
            let other = try Forge.foreign("prod")
            return try [other.intermediate.sign().der, other.intermediate.der, other.root.der]
        },
        Self(
            "a signature that was changed",
            "its chain holds a certificate that its issuer did not sign"
        ) {
            test in
            var der = try test.forge.sign().der
            der[der.count - 1] ^= 1
            return try [der, test.forge.der]
        },
        Self("no intermediate", "its issuer's certificate is missing from the chain") { test in
            try [test.forge.sign().der]
        },
        Self("signed with an agent's key", "its issuer is not a certificate authority") { test in
            let agent = try test.forge.sign()
            return try [agent.sign().der, agent.der, test.forge.der]
        },
        Self(
            "an intermediate that has expired", "its issuer's certificate is not valid now",
            at: Forge.start.addingTimeInterval(6 * 365 * day)
        ) { test in
            let date = Forge.start.addingTimeInterval(6 * 365 * day)
            let wish = Forge.Wish(
                from: date.addingTimeInterval(-day), until: date.addingTimeInterval(day))
            return try [test.forge.sign(wish).der, test.forge.der]
        },
        Self("an issuer that ends before it begins", "its issuer's certificate is not valid now") {
            test in
            let wish = Forge.Wish(
                subject: "upside down", from: Forge.start.addingTimeInterval(day),
                until: Forge.start.addingTimeInterval(-day), isAuthority: true)
            let issuer = try test.forge.sign(wish)
            return try [issuer.sign().der, issuer.der, test.forge.der]
        },
        Self(
            "an authority below the intermediate",
            "its certificate does not chain to the cluster's root"
        ) { test in
            let issuer = try test.forge.sign(Forge.Wish(subject: "below", isAuthority: true))
            return try [issuer.sign().der, issuer.der, test.forge.der]
        },
    ]

    static let agents =
        notTrusted + [
            signed("the future", "its certificate is not valid yet: check the clocks") {
                $0.from = Forge.start.addingTimeInterval(600)
            },
            signed(
                "off for too long", "its certificate expired more than 400 days ago",
                at: Forge.start.addingTimeInterval(402 * day)
            ) { _ in },
            signed("a server's certificate", "its certificate is for another purpose") {
                $0.usages = [.serverAuth]
            },
            signed("both purposes", "its certificate is for another purpose") {
                $0.usages = [.clientAuth, .serverAuth]
            },
            signed("no purpose", "its certificate is for another purpose") { $0.usages = [] },
            signed("no name", "its certificate must carry exactly one URI name") { $0.names = [] },
            signed("a DNS name", "its certificate must carry exactly one URI name") {
                $0.names = [.dnsName("controller-1")]
            },
            signed("two names", "its certificate must carry exactly one URI name") {
                $0.names += uri("spiffe://prod/agent/controller-2")
            },
            signed("another cluster's name", "it belongs to the cluster staging") {
                $0.names = uri("spiffe://staging/agent/controller-1")
            },
            signed("the coordinator's name", "its certificate is the coordinator's, not an agent's")
            {
                $0.names = uri("spiffe://prod/coordinator")
            },
            signed("a path for a name", "its name is not one of this product") {
                $0.names = uri("spiffe://prod/agent/../../x")
            },
            Self("the coordinator's certificate", "its certificate is for another purpose") {
                test in
                try ders(
                    of:
                        test.authority.issueCoordinator(
                            csrPEM: KeyPair.make().csrPEM(), cluster: Forge.cluster, now: test.now))
            },
        ]

    private static let wrongPin = "its root is not the one this node was told to trust"

    /// A coordinator's good names and purpose, with the cluster's root at the end.
    private static func server(
        _ name: String, _ reason: String, at date: Date = Forge.start,
        _ change: @escaping @Sendable (inout Forge.Wish) -> Void
    ) -> Self {
        signed(name, reason, at: date) {
            $0.names = uri("spiffe://prod/coordinator")
            $0.usages = [.serverAuth]
            change(&$0)
        }
    }

    static let coordinators = [
        Self("nothing", "it showed no certificate") { _ in [] },
        Self("a man in the middle", wrongPin) { test in
            let other = try Forge.foreign("prod")
            let wish = Forge.Wish(
                names: uri("spiffe://prod/coordinator"), usages: [.serverAuth])
            return try [other.intermediate.sign(wish).der, other.intermediate.der, other.root.der]
        },
        Self(
            "a man in the middle who shows our root",
            "its chain holds a certificate that its issuer did not sign"
        ) { test in
            let other = try Forge.foreign("prod")
            let wish = Forge.Wish(
                names: uri("spiffe://prod/coordinator"), usages: [.serverAuth])
            return try [other.intermediate.sign(wish).der, other.intermediate.der]
                + ders(of: test.made.rootPEM)
        },
        Self("no root", wrongPin) { test in try [test.forge.sign().der, test.forge.der] },
        Self("our root and nothing else", "its certificate is for another purpose") { test in
            try ders(of: test.made.rootPEM)
        },
        server(
            "one that has expired", "its certificate has expired",
            at: Forge.start.addingTimeInterval(2 * day)
        ) { _ in },
        server("the future", "its certificate is not valid yet: check the clocks") {
            $0.from = Forge.start.addingTimeInterval(600)
        },
        server("an agent's purpose", "its certificate is for another purpose") {
            $0.usages = [.clientAuth]
        },
        server("an agent's name", "its certificate is an agent's, not the coordinator's") {
            $0.names = uri("spiffe://prod/agent/controller-1")
        },
        server("another cluster's name", "it belongs to the cluster staging") {
            $0.names = uri("spiffe://staging/coordinator")
        },
        server("no name", "its certificate must carry exactly one URI name") { $0.names = [] },
    ]
}
