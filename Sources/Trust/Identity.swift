import Crypto
import Model
import SwiftASN1
import X509

/// Who a certificate is for: a SPIFFE id (SPIFFE-ID specification, §2) as its only URI name.
public enum Identity: Hashable, Sendable {
    case agent(ClusterID, NodeName)
    case coordinator(ClusterID)

    public var uri: String {
        switch self {
        case .agent(let cluster, let node): "spiffe://\(cluster)/agent/\(node)"
        case .coordinator(let cluster): "spiffe://\(cluster)/coordinator"
        }
    }

    /// Nil unless `uri` is exactly one of ours.
    public init?(uri: String) {
        let prefix = "spiffe://"
        guard uri.hasPrefix(prefix) else { return nil }
        let parts = uri.dropFirst(prefix.count).split(
            separator: "/", omittingEmptySubsequences: false)
        guard let cluster = parts.first.flatMap({ ClusterID(rawValue: String($0)) }) else {
            return nil
        }
        switch parts.count {
        case 2 where parts[1] == "coordinator": self = .coordinator(cluster)
        case 3 where parts[1] == "agent":
            guard let node = NodeName(rawValue: String(parts[2])) else { return nil }
            self = .agent(cluster, node)
        default: return nil
        }
    }
}

/// A P-256 key of our own making, and the request for a certificate for it.
public struct KeyPair: Sendable {
    public let keyPEM: Secret
    private let key: Certificate.PrivateKey

    public static func make() throws -> KeyPair {
        try KeyPair(keyPEM: Secret(P256.Signing.PrivateKey().pemRepresentation + "\n"))
    }

    /// Throws `invalid` if `keyPEM` is not a P-256 key.
    public init(keyPEM: Secret) throws {
        do {
            let key = try P256.Signing.PrivateKey(pemRepresentation: keyPEM.reveal())
            self.keyPEM = keyPEM
            self.key = Certificate.PrivateKey(key)
        } catch {
            throw Failure(.invalid, "reading a key: it is not a P-256 key in PEM")
        }
    }

    /// A PKCS#10 request (RFC 2986). It names nobody: the authority decides who the key is for.
    public func csrPEM() throws -> String {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName {}, privateKey: key, attributes: .init(),
            signatureAlgorithm: .ecdsaWithSHA256)
        return try request.serializeAsPEM().pemString + "\n"
    }
}
