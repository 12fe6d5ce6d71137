/// Admits one node to the cluster of one controller. Minted when it is needed, tried once.
public struct JoinTicket: Codable, Hashable, Sendable {
    /// Port of MicroK8s' cluster agent.
    public static let port: UInt16 = 25000

    /// The controller's private IPv4 address; MicroK8s takes no name here.
    public let controller: String
    public let token: Secret
    /// SHA-256 of the certificate that the controller serves on ``port``. MicroK8s compares twelve
    /// of its digits only, so the node compares the whole of it before it joins.
    public let certificate: Digest

    public init(controller: String, token: Secret, certificate: Digest) {
        self.controller = controller
        self.token = token
        self.certificate = certificate
    }

    /// What `microk8s join` takes: address, token and the fingerprint's first twelve digits.
    public var url: Secret {
        Secret(
            "\(controller):\(Self.port)/\(token.reveal())/\(certificate.rawValue.prefix(12))")
    }
}
