import Model
import NIOCore
import NIOSSL

/// TLS to one server of the world, checked in full: its chain, its dates and its name. The
/// cluster's own links are ``Wire``'s.
struct ServerTLS: Sendable {
    private let context: NIOSSLContext
    /// For SNI and the certificate's names; nil for an address, which no SNI carries and which is
    /// looked for among the certificate's addresses.
    private let name: String?

    /// Nil for an endpoint without TLS. Throws `invalid` if its roots are not certificates.
    init?(for endpoint: Endpoint) throws {
        guard case .tls(let host, _, let rootsPEM) = endpoint else { return nil }
        let tried = "preparing TLS to \(endpoint)"
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12
        settings.certificateVerification = .fullVerification
        settings.applicationProtocols = ["http/1.1"]
        settings.shutdownTimeout = .seconds(1)
        do {
            settings.trustRoots =
                rootsPEM.isEmpty
                ? .default
                : .certificates(try NIOSSLCertificate.fromPEMBytes(Array(rootsPEM.utf8)))
            context = try NIOSSLContext(configuration: settings)
        } catch {
            throw Failure(.invalid, "\(tried): the roots to trust are not certificates in PEM")
        }
        name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    func guardPipeline(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        let name = name
        try pipeline.addHandler(
            NIOSSLClientHandler._makeSSLClientHandler(context: context, serverHostname: name) {
                certificate, channel in
                channel.eventLoop.makeCompletedFuture {
                    guard name.map({ Self.covers(certificate, $0) }) ?? true else {
                        throw NIOSSLExtraError.failedToValidateHostname
                    }
                }
            })
    }

    /// NIOSSL takes a certificate for the address behind a name too, which whoever forges that
    /// name's DNS could have from a public CA. A name must be among the DNS names (RFC 6125 §6.4).
    private static func covers(_ certificate: NIOSSLCertificate, _ host: String) -> Bool {
        let host = host.lowercased()
        let parent = host.drop { $0 != "." }
        return certificate._subjectAlternativeNames().contains { alternative in
            guard alternative.nameType == .dnsName else { return false }
            let name = alternative.contents.withUnsafeBufferPointer {
                String(decoding: $0, as: UTF8.self).lowercased()
            }
            return name == host || (!parent.isEmpty && name == "*\(parent)")
        }
    }

    /// What a connection's error means to a person.
    static func failure(of error: any Error, trying tried: String) -> Failure {
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            return Failure(.unauthorized, "\(tried): the server's certificate is for another name")
        }
        let said = String(describing: error)
        if said.contains("CERTIFICATE_VERIFY_FAILED") {
            return Failure(
                .unauthorized,
                "\(tried): the server's certificate does not chain to the roots that we trust, or "
                    + "it is not valid now")
        }
        return Failure(.unavailable, "\(tried): \(said.prefix(400))")
    }
}
