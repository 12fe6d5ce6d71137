import COpenSSL
import FoundationEssentials
import Model

/// Looks at what a TLS server really serves. It proves nothing about who answers: the caller
/// compares what it saw with what it wants.
public enum Probe {
    /// What was served.
    public struct Served: Sendable, Hashable {
        public let facts: CertificateFacts
        /// DER, leaf first.
        public let chain: [[UInt8]]
        /// Why the chain is not trusted by the given roots at the given time; nil if it is, or if
        /// no time was given.
        public let distrust: String?
        /// What came back for the request, at most ``answerBytesMax``; empty without one.
        public let answer: [UInt8]
    }

    static let answerBytesMax = 64 << 10

    /// A handshake with `host`:`port`, an IP address, asking for `name` (SNI). `rootsPEM` empty
    /// means the system's roots. `request` is sent once TLS is up, and what comes back until the
    /// server closes is kept.
    ///
    /// Throws `unavailable` if nobody answers or the handshake fails, `timeout` after `deadline`,
    /// `invalid` if `host` is a name: who resolves it decides what is looked at.
    public static func connect(
        host: String, port: UInt16, name: DomainName, rootsPEM: String = "",
        deadline: Duration = .seconds(5), judgedAt now: Date? = nil, request: [UInt8] = []
    ) async throws -> Served {
        try await withCheckedThrowingContinuation { continuation in
            // This blocks, so it gets a thread of its own, which ends by the deadline.
            BlockingThread.run {
                continuation.resume(
                    with: Result {
                        try look(
                            host: host, port: port, name: name, rootsPEM: rootsPEM,
                            deadline: deadline, judgedAt: now, request: request)
                    })
            }
        }
    }

    private static func look(
        host: String, port: UInt16, name: DomainName, rootsPEM: String, deadline: Duration,
        judgedAt now: Date?, request: [UInt8]
    ) throws -> Served {
        let tried = "looking at \(name) on \(host):\(port)"
        let socket = try TimedSocket(host: host, port: port, deadline: deadline, tried: tried)
        defer { socket.close() }
        let context = SSL_CTX_new(TLS_client_method())
        defer { SSL_CTX_free(context) }
        // This looks at whatever is served; trust is judged below, in words.
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        guard let ssl = SSL_new(context) else {
            throw Failure(.failed, "\(tried): OpenSSL could not start")
        }
        defer {
            SSL_free(ssl)
            ERR_clear_error()
        }
        _ = x_ssl_set_sni(ssl, name.rawValue)
        SSL_set_fd(ssl, socket.descriptor)
        guard try socket.drive(ssl, { SSL_connect(ssl) }) == 1 else {
            let reason = OpenSSL.lastError ?? "the server closed the connection"
            throw Failure(.unavailable, "\(tried): no TLS: \(reason)")
        }
        guard let leaf = SSL_get1_peer_certificate(ssl) else {
            throw Failure(.unavailable, "\(tried): no certificate was served")
        }
        defer { X509_free(leaf) }
        let stack = SSL_get_peer_cert_chain(ssl)
        let certificates = (0..<max(OPENSSL_sk_num(stack), 0)).compactMap { index in
            OPENSSL_sk_value(stack, index).map { OpaquePointer($0) }
        }
        return Served(
            facts: try CertificateFacts(der: OpenSSL.der(leaf)),
            chain: certificates.map(OpenSSL.der),
            distrust: now.flatMap { now in
                OpenSSL.distrust(
                    leaf: leaf, intermediates: Array(certificates.dropFirst()),
                    rootsPEM: rootsPEM, at: now)
            },
            answer: request.isEmpty ? [] : exchange(ssl, request, socket))
    }

    /// Writes and reads until the server closes, the limit is reached or the deadline passes.
    private static func exchange(
        _ ssl: OpaquePointer, _ request: [UInt8], _ socket: TimedSocket
    ) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let length = Int32(clamping: request.count)
        guard let sent = try? socket.drive(ssl, { SSL_write(ssl, request, length) }), sent > 0
        else { return [] }
        while answer.count < answerBytesMax {
            let size = Int32(min(chunk.count, answerBytesMax - answer.count))
            guard let count = try? socket.drive(ssl, { SSL_read(ssl, &chunk, size) }), count > 0
            else { break }
            answer += chunk.prefix(Int(count))
        }
        return answer
    }
}
