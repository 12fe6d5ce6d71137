import Model
import NIOCore
import NIOSSL
import Synchronization

/// The TLS settings of both sides: TLS 1.3 only, our own certificates, our own check of the peer's,
/// and never the system's roots.
enum TLS {
    static let handlerName = "tls"
    /// How long a closing side waits for the peer's farewell.
    private static let farewell = TimeAmount.seconds(1)

    /// Throws `invalid` if the credentials are not a certificate chain and its key.
    static func client(
        _ conversation: Conversation, _ credentials: Credentials?
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        // The callback decides; names are identities in the certificate, never host names.
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = [conversation.rawValue]
        if let credentials {
            configuration.certificateChain = try chain(credentials)
            configuration.privateKey = .privateKey(try key(credentials))
        }
        return try context(configuration)
    }

    /// Throws `invalid` if the credentials are not a certificate chain and its key.
    static func server(_ credentials: Credentials) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try chain(credentials),
            privateKey: .privateKey(try key(credentials)))
        // A certificate is asked for but not required: enrolment has none, and a presented one is
        // always checked. The listener closes a link that came without.
        configuration.certificateVerification = .optionalVerification
        configuration.applicationProtocols = Conversation.allCases.map(\.rawValue)
        return try context(configuration)
    }

    private static func context(_ base: TLSConfiguration) throws -> NIOSSLContext {
        var configuration = base
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates([])
        configuration.shutdownTimeout = farewell
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(.invalid, "preparing TLS: certificate and key do not fit (\(error))")
        }
    }

    private static func chain(_ credentials: Credentials) throws -> [NIOSSLCertificateSource] {
        do {
            return try NIOSSLCertificate.fromPEMBytes([UInt8](credentials.chainPEM.utf8))
                .map { .certificate($0) }
        } catch {
            throw Failure(.invalid, "preparing TLS: the certificate chain is not PEM (\(error))")
        }
    }

    private static func key(_ credentials: Credentials) throws -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(
                bytes: [UInt8](credentials.keyPEM.reveal().utf8), format: .pem)
        } catch {
            throw Failure(.invalid, "preparing TLS: the private key is not PEM")
        }
    }
}

/// The server's TLS context for the credentials of the moment, made again only when they change.
final class ServerContext: Sendable {
    private let credentials: @Sendable () -> Credentials
    private let made = Mutex<(chain: String, key: Secret, context: NIOSSLContext)?>(nil)

    init(_ credentials: @escaping @Sendable () -> Credentials) { self.credentials = credentials }

    /// Throws `invalid` if the credentials are not a certificate chain and its key.
    func current() throws -> NIOSSLContext {
        let wanted = credentials()
        return try made.withLock { made in
            if let made, made.chain == wanted.chainPEM, made.key == wanted.keyPEM {
                return made.context
            }
            let context = try TLS.server(wanted)
            made = (wanted.chainPEM, wanted.keyPEM, context)
            return context
        }
    }
}

extension Failure {
    /// What NIO or BoringSSL said, as a person can use it.
    init(wire error: any Error, trying tried: String) {
        if let failure = error as? Failure {
            self = failure
            return
        }
        let said = printable("\(error)")
        let refusals = ["CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "CERTIFICATE_REQUIRED", "BAD_CERT"]
        if said.contains("ALERT"), refusals.contains(where: said.contains) {
            self.init(
                .unauthorized, "\(tried): the peer refused our certificate",
                fix: "look at the peer's log for the reason; the node may have to enrol again")
        } else if said.contains("PROTOCOL_VERSION") || said.contains("UNSUPPORTED_PROTOCOL") {
            self.init(.unsupported, "\(tried): the peer does not speak TLS 1.3")
        } else if error is ChannelError || error is IOError {
            self.init(.unavailable, "\(tried): the connection is closed (\(said))")
        } else {
            self.init(.unavailable, "\(tried): \(said)")
        }
    }
}
