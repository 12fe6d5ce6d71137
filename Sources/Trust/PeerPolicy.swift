import FoundationEssentials
import Model
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Who the other end of a connection proved to be.
public struct VerifiedPeer: Hashable, Sendable {
    public let uri: String
    /// Serial number in hexadecimal.
    public let serial: String
    /// True if the certificate has expired and is good for a renewal only.
    public let expired: Bool
    /// When our authority signed the certificate.
    public let issuedAt: Date
}

/// Decides whether a certificate chain is that of a peer of ours. Each reason to refuse has its own
/// sentence.
public enum PeerPolicy {
    /// How long after its end a certificate still opens a renewal-only link.
    public static let renewalGrace = Duration.seconds(400 * 86400)
    static let chainMax = 4

    /// An agent, as the coordinator judges it. `denied` holds serials and node names.
    /// Throws `unauthorized` with the reason, `invalid` if `rootPEM` is damaged.
    public static func checkAgent(
        _ chain: [[UInt8]], cluster: ClusterID, rootPEM: String, denied: Set<String>, now: Date
    ) async throws -> VerifiedPeer {
        let certificates = try parse(chain)
        let leaf = certificates[0]
        guard let root = try? Certificate(pemEncoded: rootPEM) else {
            throw Failure(.invalid, "checking the peer: the cluster's own root cannot be read")
        }
        let isExpired = now > leaf.notValidAfter
        if isExpired, now > leaf.notValidAfter.addingTimeInterval(renewalGrace.seconds) {
            throw refuse("its certificate expired more than 400 days ago")
        }
        // What was good at its end is good for asking for the next one.
        let time = isExpired ? leaf.notValidAfter : now
        try await verify(certificates, root: root, at: time, usage: .clientAuth)
        let identity = try identity(of: leaf)
        guard case .agent(let home, let node) = identity else {
            throw refuse("its certificate is the coordinator's, not an agent's")
        }
        guard home == cluster else { throw refuse("it belongs to the cluster \(home)") }
        let serial = leaf.serialNumber.bytes.hexadecimal
        guard !denied.contains(serial), !denied.contains(node.rawValue) else {
            throw refuse("\(node) has been revoked")
        }
        return VerifiedPeer(
            uri: identity.uri, serial: serial, expired: isExpired, issuedAt: issue(of: leaf))
    }

    /// The coordinator, as an agent judges it: by the pin of its root and nothing else.
    /// Throws `unauthorized` with the reason.
    public static func checkCoordinator(
        _ chain: [[UInt8]], cluster: ClusterID, pin: Digest, now: Date
    ) async throws -> VerifiedPeer {
        let certificates = try parse(chain)
        guard let rootDER = chain.last, Hash.sha256(rootDER) == pin,
            let root = certificates.last
        else {
            throw refuse(
                "its root is not the one this node was told to trust",
                fix: "see what answers there: `coordinator.addresses` must lead to this cluster's "
                    + "coordinator")
        }
        try await verify(certificates, root: root, at: now, usage: .serverAuth)
        let identity = try identity(of: certificates[0])
        guard case .coordinator(let home) = identity else {
            throw refuse("its certificate is an agent's, not the coordinator's")
        }
        guard home == cluster else { throw refuse("it belongs to the cluster \(home)") }
        return VerifiedPeer(
            uri: identity.uri,
            serial: certificates[0].serialNumber.bytes.hexadecimal, expired: false,
            issuedAt: issue(of: certificates[0]))
    }

    private static func issue(of leaf: Certificate) -> Date {
        leaf.notValidBefore.addingTimeInterval(Authority.clockSlack.seconds)
    }

    private static func parse(_ chain: [[UInt8]]) throws -> [Certificate] {
        guard !chain.isEmpty else { throw refuse("it showed no certificate") }
        guard chain.count <= chainMax else { throw refuse("its chain is too long") }
        return try chain.map { der in
            guard let certificate = try? Certificate(derEncoded: der) else {
                throw refuse("its certificate cannot be read")
            }
            return certificate
        }
    }

    private static func verify(
        _ chain: [Certificate], root: Certificate, at time: Date, usage: ExtendedKeyUsage.Usage
    ) async throws {
        guard time >= chain[0].notValidBefore else {
            throw refuse("its certificate is not valid yet: check the clocks")
        }
        guard time <= chain[0].notValidAfter else { throw refuse("its certificate has expired") }
        var verifier = Verifier(rootCertificates: CertificateStore([root])) {
            RFC5280Policy(fixedExpiryValidationTime: time)
        }
        let result = await verifier.validate(
            leaf: chain[0], intermediates: CertificateStore(chain.dropFirst()))
        guard case .validCertificate = result else {
            throw refuse(weakness(of: chain, root: root, at: time))
        }
        guard let usages = try? chain[0].extensions.extendedKeyUsage, Array(usages) == [usage]
        else {
            throw refuse("its certificate is for another purpose")
        }
    }

    /// Which link of a chain that does not verify is the broken one, in words. Explains; never
    /// decides.
    private static func weakness(
        of chain: [Certificate], root: Certificate, at time: Date
    ) -> String {
        var child = chain[0]
        for _ in chain {
            guard
                let issuer = ([root] + chain.dropFirst()).first(where: {
                    $0.subject == child.issuer && $0 != child
                })
            else {
                return child.subject == child.issuer
                    ? "its chain ends in another root than the cluster's"
                    : "its issuer's certificate is missing from the chain"
            }
            guard issuer.publicKey.isValidSignature(child.signature, for: child) else {
                return "its chain holds a certificate that its issuer did not sign"
            }
            guard issuer.notValidBefore <= time, time <= issuer.notValidAfter else {
                return "its issuer's certificate is not valid now"
            }
            guard case .isCertificateAuthority = try? issuer.extensions.basicConstraints else {
                return "its issuer is not a certificate authority"
            }
            if issuer == root { break }
            child = issuer
        }
        return "its certificate does not chain to the cluster's root"
    }

    private static func identity(of leaf: Certificate) throws -> Identity {
        guard let names = try? leaf.extensions.subjectAlternativeNames, names.count == 1,
            case .uniformResourceIdentifier(let uri)? = names.first
        else { throw refuse("its certificate must carry exactly one URI name") }
        guard let identity = Identity(uri: uri) else {
            throw refuse("its name is not one of this product")
        }
        return identity
    }

    private static func refuse(_ reason: String, fix: String = "") -> Failure {
        Failure(.unauthorized, "checking the peer: \(reason)", fix: fix)
    }
}
