import Model
import NIOCore

/// How a message travels: four bytes of length (big-endian, of all that follows), one byte of kind,
/// and the message as JSON. There is no compression, so nothing can unfold on arrival.
public enum Frame {
    static let lengthBytes = 4
    static let headerBytes = 5
    /// Deepest nesting of JSON that is handed to the decoder.
    static let depthMax = 64
    /// The largest limit of any kind, kind byte included.
    static let lengthMax = 1 + (MessageKind.allCases.map(\.bytesMax).max() ?? 0)

    /// Throws `invalid` if the message is larger than its kind allows.
    public static func encode(_ message: Message) throws -> [UInt8] {
        let kind = message.kind
        let body = try JSON.encode(message)
        guard body.count <= kind.bytesMax else {
            throw Failure(
                .invalid,
                "sending a \(kind) message: \(body.count) bytes are more than the \(kind.bytesMax) "
                    + "allowed")
        }
        let length = UInt32(body.count + 1)
        var frame: [UInt8] = []
        frame.reserveCapacity(headerBytes + body.count)
        frame += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) }
        frame.append(kind.rawValue)
        return frame + body
    }

    /// Throws `invalid` if `body` is not one message of `kind`.
    static func decode(_ kind: MessageKind, _ body: some Collection<UInt8>) throws -> Message {
        guard depth(of: body) <= depthMax else {
            throw Failure(.invalid, "reading a \(kind) message: nested deeper than \(depthMax)")
        }
        let message: Message
        do {
            message = try JSON.decode(from: body, what: "a \(kind) message")
        } catch let failure as Failure {
            throw Failure(failure.code, printable(failure.message))
        }
        guard message.kind == kind else {
            throw Failure(.invalid, "reading a \(kind) message: a \(message.kind) is inside")
        }
        return message
    }

    /// How deep arrays and objects nest, found without building any of them.
    private static func depth(of json: some Collection<UInt8>) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var escaped = false
        for byte in json {
            switch byte {
            case _ where escaped: escaped = false
            case UInt8(ascii: "\\") where inString: escaped = true
            case UInt8(ascii: "\""): inString.toggle()
            case UInt8(ascii: "[") where !inString, UInt8(ascii: "{") where !inString:
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]") where !inString, UInt8(ascii: "}") where !inString: depth -= 1
            default: break
            }
        }
        return deepest
    }
}

/// Text that a peer had a hand in, bounded and without control characters, for an error.
func printable(_ text: String) -> String {
    text.unicodeScalars.prefix(300)
        .map { $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0) }
        .joined()
}

/// A whole frame whose body nobody has looked into yet.
struct ReceivedFrame: Sendable {
    let kind: MessageKind
    let body: ByteBuffer

    /// Throws `invalid` if the body is not one message of the frame's kind.
    func message() throws -> Message { try Frame.decode(kind, body.readableBytesView) }
}

/// Cuts a stream of bytes into messages. Holds at most one frame more than it was given at once,
/// and refuses a frame by its header alone: nothing is allocated for it.
public struct FrameDecoder {
    /// What may come; anything else breaks the protocol.
    private let accepting: Set<MessageKind>
    private var buffer = ByteBuffer()

    public init(accepting: Set<MessageKind> = Set(MessageKind.allCases)) {
        self.accepting = accepting
    }

    public mutating func append(_ bytes: [UInt8]) { buffer.writeBytes(bytes) }

    mutating func append(_ bytes: ByteBuffer) { buffer.writeImmutableBuffer(bytes) }

    /// Whether a frame has begun and is not complete.
    var isInsideFrame: Bool { buffer.readableBytes > 0 }

    /// What follows the last message, for a connection that stops being framed.
    var rest: ByteBuffer { buffer }

    /// The next whole message, or nil until more bytes come. After a throw the stream is beyond
    /// repair and must be closed.
    ///
    /// Throws `unsupported` for a kind that this version does not know, `invalid` for everything
    /// else that is not a frame.
    public mutating func next() throws -> Message? { try nextFrame()?.message() }

    /// As `next`, with the decoding left to whoever reads, off the event loop.
    mutating func nextFrame() throws -> ReceivedFrame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else {
            return nil
        }
        guard (1...Frame.lengthMax).contains(Int(length)) else {
            throw Failure(
                .invalid, "reading a frame: \(length) bytes are not 1 to \(Frame.lengthMax)")
        }
        guard
            let byte = buffer.getInteger(
                at: buffer.readerIndex + Frame.lengthBytes, as: UInt8.self)
        else { return nil }
        let kind = try admit(byte, bodyBytes: Int(length) - 1)
        guard buffer.readableBytes >= Frame.lengthBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headerBytes)
        guard let body = buffer.readSlice(length: Int(length) - 1) else { return nil }
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return ReceivedFrame(kind: kind, body: body)
    }

    private func admit(_ byte: UInt8, bodyBytes: Int) throws -> MessageKind {
        guard let kind = MessageKind(rawValue: byte) else {
            throw Failure(
                .unsupported, "reading a frame: this version does not know message kind \(byte)",
                fix: "bring both sides to the same version of Jeeves")
        }
        guard accepting.contains(kind) else {
            throw Failure(.invalid, "reading a frame: a \(kind) message does not belong here")
        }
        guard bodyBytes <= kind.bytesMax else {
            throw Failure(
                .invalid,
                "reading a \(kind) message: \(bodyBytes) bytes are more than the "
                    + "\(kind.bytesMax) allowed")
        }
        return kind
    }
}
