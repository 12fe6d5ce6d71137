import Crypto
import FoundationEssentials
import Logging
import Model
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

@testable import Wire

/// A CA made for one test, so that these tests prove the wire and not the product's own authority.
struct TestAuthority: Sendable {
    private let key = P256.Signing.PrivateKey()
    let root: Certificate

    init() throws {
        let name = try DistinguishedName { CommonName("test root") }
        root = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date() - 300, notValidAfter: Date() + 3600, issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            }, issuerPrivateKey: .init(key))
    }

    func credentials(_ uri: String) throws -> Credentials {
        let own = P256.Signing.PrivateKey()
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey),
            notValidBefore: Date() - 300, notValidAfter: Date() + 3600, issuer: root.subject,
            subject: try DistinguishedName { CommonName(uri) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                SubjectAlternativeNames([.uniformResourceIdentifier(uri)])
            }, issuerPrivateKey: .init(key))
        let chain = try [leaf, root].map { try $0.serializeAsPEM().pemString }
        return Credentials(
            chainPEM: chain.joined(separator: "\n"), keyPEM: Secret(own.pemRepresentation))
    }

    /// Accepts what this CA issued.
    var check: PeerCheck {
        { [root] chain in
            guard let first = chain.first else { throw Failure(.unauthorized, "no certificate") }
            let leaf = try Certificate(derEncoded: first)
            var verifier = Verifier(rootCertificates: CertificateStore([root])) {
                RFC5280Policy()
            }
            guard
                case .validCertificate = await verifier.validate(
                    leaf: leaf, intermediates: CertificateStore([])),
                case .uniformResourceIdentifier(let uri)? = try leaf.extensions
                    .subjectAlternativeNames?.first
            else { throw Failure(.unauthorized, "another CA issued this certificate") }
            return Peer(
                uri: uri, serial: leaf.serialNumber.description,
                expired: uri.hasSuffix("/expired"))
        }
    }
}

/// A listener on loopback and everything needed to talk to it, well or badly.
struct Stand: Sendable {
    static let agentURI = "spiffe://prod/agent/controller-1"
    static let coordinatorURI = "spiffe://prod/coordinator"

    let authority: TestAuthority
    let listener: Listener
    let agent: Credentials

    init(
        limits: LinkLimits = LinkLimits(), strangers: StrangerLimits = StrangerLimits()
    ) async throws {
        let authority = try TestAuthority()
        let server = try authority.credentials(Self.coordinatorURI)
        self.authority = authority
        agent = try authority.credentials(Self.agentURI)
        listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, credentials: { server }, check: authority.check,
            limits: limits, strangers: strangers,
            log: Logger(label: "test") { _ in
                SwiftLogNoOpLogHandler()
            })
    }

    func dial(
        _ conversation: Conversation = .link, credentials: Credentials?,
        check: PeerCheck? = nil, deadline: Duration = .seconds(10),
        limits: LinkLimits = LinkLimits()
    ) async throws -> any Link {
        try await Dialer.dial(
            host: "127.0.0.1", port: listener.port, conversation: conversation,
            credentials: credentials, check: check ?? authority.check, deadline: deadline,
            limits: limits)
    }

    /// The next conversation that the listener let in.
    func next() async throws -> Accepted {
        var accepted = listener.accepted.makeAsyncIterator()
        guard let first = await accepted.next() else { throw Failure(.failed, "listener closed") }
        return first
    }

    func nextLink() async throws -> any Link {
        guard case .link(let link) = try await next() else {
            throw Failure(.failed, "not a link")
        }
        return link
    }

    /// A connected pair: the agent's end and the coordinator's.
    func pair(limits: LinkLimits = LinkLimits()) async throws -> (any Link, any Link) {
        let agent = try await dial(credentials: agent, limits: limits)
        return (agent, try await nextLink())
    }

    /// A TLS connection by a client with its own mind: it verifies nothing and says any bytes.
    func rawTLS(
        _ protocols: [String], credentials: Credentials?, newest: TLSVersion? = nil
    ) async throws -> RawStream {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        configuration.maximumTLSVersion = newest
        if let credentials {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(
                Array(credentials.chainPEM.utf8)
            ).map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(
                    bytes: Array(credentials.keyPEM.reveal().utf8), format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: Int(listener.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    return try RawStream(on: channel)
                }
            }
    }

    /// Waits until the listener has refused `count` connections for that reason.
    func refused(_ refusal: Refusal, _ count: Int = 1) async throws {
        while listener.refusals[refusal, default: 0] < count {
            try await ContinuousClock().sleep(for: .milliseconds(1))
        }
    }
}

extension RawStream {
    /// Reads until the other side closes, however it does.
    func drained() async -> Int {
        var count = 0
        while let bytes = try? await read() { count += bytes.count }
        return count
    }
}

extension Link {
    /// The next message; nil at a clean end.
    func heard() async throws -> Message? {
        var messages = incoming.makeAsyncIterator()
        return try await messages.next()
    }
}
