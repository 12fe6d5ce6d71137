import Model
import NIOCore

/// A link over TLS. A link that nobody holds any more closes itself.
final class TLSLink: Link {
    let peer: Peer?
    let incoming: AsyncThrowingStream<Message, any Error>
    private let channel: any Channel
    private let inbox: Inbox<ReceivedFrame>

    /// Call on the channel's event loop, once TLS is up.
    init(
        on channel: any Channel, peer: Peer?, rules: FrameRules, limits: LinkLimits
    ) throws {
        let inbox = Inbox<ReceivedFrame>(bytesMax: limits.incomingBytesMax) { channel.read() }
        self.peer = peer
        self.channel = channel
        self.inbox = inbox
        incoming = AsyncThrowingStream {
            guard let frame = try await inbox.next() else { return nil }
            do {
                return try frame.message()
            } catch {
                inbox.end(Failure(error, trying: "talking to the peer"))
                channel.close(promise: nil)
                throw error
            }
        }
        try channel.pipeline.syncOperations.addHandler(
            FrameHandler(inbox: inbox, rules: rules, limits: limits))
    }

    deinit { channel.close(promise: nil) }

    func send(_ message: Message) async throws {
        let frame = ByteBuffer(bytes: try Frame.encode(message))
        do {
            try await channel.writeAndFlush(frame).get()
        } catch {
            let reason = inbox.ending ?? Failure(wire: error, trying: "writing to the peer")
            throw Failure(
                .unavailable, "sending a \(message.kind) message: \(reason.message)",
                fix: reason.fix)
        }
    }

    func close() async { try? await channel.close().get() }
}
