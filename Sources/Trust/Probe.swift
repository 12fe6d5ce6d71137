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
        /// What came back for each exchange, at most ``answerBytesMax`` each. It ends before the
        /// exchange that got no whole answer, whose part is the last.
        public let answers: [[UInt8]]

        /// What came back for the first exchange; empty without one.
        public var answer: [UInt8] { answers.first ?? [] }
    }

    /// Something to say once TLS is up, and when it is answered.
    public struct Exchange: Sendable {
        public let request: [UInt8]
        /// Whether what came back so far is the whole answer; else reading goes on until the server
        /// closes.
        public let isWhole: @Sendable ([UInt8]) -> Bool

        public init(
            _ request: [UInt8], isWhole: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
        ) {
            self.request = request
            self.isWhole = isWhole
        }
    }

    static let answerBytesMax = 64 << 10

    /// A handshake with `host`:`port`, an IP address, asking for `name` (SNI). `rootsPEM` empty
    /// means the system's roots. With a `keyType` it plays a client that knows no other kind of
    /// certificate. The exchanges happen in their order over that one connection.
    ///
    /// Throws `unavailable` if nobody answers or the handshake fails, `timeout` after `deadline`,
    /// `invalid` if `host` is a name: who resolves it decides what is looked at.
    public static func connect(
        host: String, port: UInt16, name: DomainName, keyType: KeyType? = nil,
        rootsPEM: String = "", deadline: Duration = .seconds(5), judgedAt now: Date? = nil,
        exchanges: [Exchange] = []
    ) async throws -> Served {
        try await withCheckedThrowingContinuation { continuation in
            // This blocks, so it gets a thread of its own, which ends by the deadline.
            BlockingThread.run {
                continuation.resume(
                    with: Result {
                        try look(
                            host: host, port: port, name: name, keyType: keyType,
                            rootsPEM: rootsPEM, deadline: deadline, judgedAt: now,
                            exchanges: exchanges)
                    })
            }
        }
    }

    private static func look(
        host: String, port: UInt16, name: DomainName, keyType: KeyType?, rootsPEM: String,
        deadline: Duration, judgedAt now: Date?, exchanges: [Exchange]
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
        if let keyType { _ = x_ssl_offer_signatures(ssl, signatures(of: keyType)) }
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
            answers: converse(ssl, exchanges, socket))
    }

    /// SSL_CTX_set1_sigalgs_list(3): a server chooses its certificate by these (RFC 8446 §4.2.3).
    private static func signatures(of keyType: KeyType) -> String {
        switch keyType {
        case .ecdsa: "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"
        case .rsa: "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
        }
    }

    private static func converse(
        _ ssl: OpaquePointer, _ exchanges: [Exchange], _ socket: TimedSocket
    ) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        for exchange in exchanges {
            let answer = answer(to: exchange, ssl, socket)
            answers.append(answer)
            guard exchange.isWhole(answer) else { break }
        }
        return answers
    }

    /// Writes and reads until the answer is whole, the server closes, the limit is reached or the
    /// deadline passes.
    private static func answer(
        to exchange: Exchange, _ ssl: OpaquePointer, _ socket: TimedSocket
    ) -> [UInt8] {
        let request = exchange.request
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let length = Int32(clamping: request.count)
        guard let sent = try? socket.drive(ssl, { SSL_write(ssl, request, length) }), sent > 0
        else { return [] }
        while answer.count < answerBytesMax, !exchange.isWhole(answer) {
            let size = Int32(min(chunk.count, answerBytesMax - answer.count))
            guard let count = try? socket.drive(ssl, { SSL_read(ssl, &chunk, size) }), count > 0
            else { break }
            answer += chunk.prefix(Int(count))
        }
        return answer
    }
}
