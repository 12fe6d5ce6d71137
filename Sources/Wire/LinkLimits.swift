/// How long a connection may take for each thing, and how much may queue on it. One place, so that
/// tests can be quick and operators can read what to expect.
public struct LinkLimits: Sendable, Hashable {
    /// From the accepted or dialled TCP connection to the end of the TLS handshake.
    public var handshake: Duration = .seconds(10)
    /// From the handshake to the first word of either side of a link: pings are answered without
    /// the one who would say it.
    public var greeting: Duration = .seconds(30)
    /// From the first to the last byte of one frame.
    public var frame: Duration = .seconds(30)
    /// How long written bytes may wait without the peer taking any.
    public var stall: Duration = .seconds(30)
    /// Between two pings of ours.
    public var ping: Duration = .seconds(5)
    /// A peer that was silent for so long is dead.
    public var silence: Duration = .seconds(15)
    /// From the handshake to a stranger's one frame, and of an agent to its tunnel's number.
    public var enrolmentFrame: Duration = .seconds(10)
    /// A stranger's whole stay.
    public var enrolment: Duration = .seconds(60)
    /// Written and not yet taken by the kernel; more closes the connection.
    public var outgoingBytesMax = 8 << 20
    /// Arrived and not yet read by us; more stops reading.
    public var incomingBytesMax = 1 << 20

    public init() {}
}
