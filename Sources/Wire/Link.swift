import Model

/// One framed conversation with one peer. `TLSLink` is the real one; tests use `MemoryLink`.
public protocol Link: Sendable {
    /// Who the other side proved to be; nil for a stranger on an enrolment connection.
    var peer: Peer? { get }

    /// Messages as they come; ends when the link closes, throws `invalid` when the peer broke the
    /// protocol. Only one task may iterate it.
    var incoming: AsyncThrowingStream<Message, any Error> { get }

    /// Sends one message. Throws `unavailable` if the link is closed, `invalid` if the message is
    /// larger than its kind allows.
    func send(_ message: Message) async throws

    /// Closes both ways. Does nothing if it is closed.
    func close() async
}

/// An authenticated peer: what its certificate says, once that was verified.
public struct Peer: Hashable, Sendable {
    /// SPIFFE URI, `spiffe://<cluster>/agent/<node>` or `spiffe://<cluster>/coordinator`.
    public let uri: String
    /// Serial number of its certificate in hexadecimal.
    public let serial: String
    /// True if its certificate has expired and is accepted for a renewal only.
    public let expired: Bool

    public init(uri: String, serial: String, expired: Bool) {
        self.uri = uri
        self.serial = serial
        self.expired = expired
    }
}

/// Judges a peer's certificate chain (DER, leaf first). Throws `unauthorized` with the reason.
public typealias PeerCheck = @Sendable (_ chain: [[UInt8]]) async throws -> Peer

/// What one side of TLS presents.
public struct Credentials: Sendable {
    /// Leaf first, in PEM.
    public let chainPEM: String
    public let keyPEM: Secret

    public init(chainPEM: String, keyPEM: Secret) {
        self.chainPEM = chainPEM
        self.keyPEM = keyPEM
    }
}

/// The protocols that share the coordinator's port, told apart by ALPN (RFC 7301).
public enum Conversation: String, Sendable, CaseIterable {
    case link = "jeeves-link/1"
    case enrolment = "jeeves-enrol/1"
    case tunnel = "jeeves-tunnel/1"
}
