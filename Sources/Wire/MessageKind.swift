/// The byte that names a message on the wire. Numbers are never used again for something else.
public enum MessageKind: UInt8, CaseIterable, Sendable {
    case hello = 1
    case status = 2
    case events = 3
    case reply = 4
    case renewal = 5
    case welcome = 6
    case spec = 7
    case eventsSeen = 8
    case request = 9
    case certificate = 10
    case challenge = 11
    case enrolment = 12
    case refusal = 13
    case tunnel = 14
    case ping = 15
    case pong = 16

    /// Most bytes of a frame of this kind, its header not counted.
    public var bytesMax: Int {
        switch self {
        case .ping, .pong, .tunnel, .eventsSeen: 64
        case .hello, .welcome, .challenge, .enrolment, .refusal: 16 << 10
        case .certificate, .renewal: 32 << 10
        case .status, .request, .spec, .events: 1 << 20
        case .reply: 4 << 20
        }
    }
}

extension Message {
    public var kind: MessageKind {
        switch self {
        case .hello: .hello
        case .status: .status
        case .events: .events
        case .reply: .reply
        case .renewal: .renewal
        case .welcome: .welcome
        case .spec: .spec
        case .eventsSeen: .eventsSeen
        case .request: .request
        case .certificate: .certificate
        case .challenge: .challenge
        case .enrolment: .enrolment
        case .refusal: .refusal
        case .tunnel: .tunnel
        case .ping: .ping
        case .pong: .pong
        }
    }
}
