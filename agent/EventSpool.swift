import FoundationEssentials
import Model
import Outside
import Wire

/// Events that the coordinator has not acknowledged yet, kept across restarts. Bounded: the oldest
/// are dropped first, because a node that cannot report must not fill its disk.
public actor EventSpool {
    static let eventsMax = 500

    private struct Saved: Codable {
        /// Names this spool: a rebuilt node counts from 1 again and must not be taken for the old.
        var id = UUID()
        /// Sequence number of the first event.
        var first: UInt64 = 1
        var events: [Event] = []
    }

    private let files: any Files
    private let path: String
    private var saved: Saved
    private var watchers: [AsyncStream<Void>.Continuation] = []

    public init(files: any Files, state: StateFolder) {
        self.files = files
        path = state.events
        let bytes = (try? files.readIfThere(path, bytesMax: 4 << 20)) ?? nil
        let restored = bytes.flatMap { try? JSON.decode(Saved.self, from: $0, what: "events") }
        saved = restored ?? Saved()
    }

    func append(_ event: Event) {
        saved.events.append(event)
        let excess = saved.events.count - Self.eventsMax
        if excess > 0 { drop(excess) }
        save()
        for watcher in watchers { watcher.yield() }
    }

    /// The oldest events after `sequence` that are not acknowledged yet; nil if there are none.
    func pending(after sequence: UInt64, max count: Int = 100) -> EventBatch? {
        let skipped = sequence >= saved.first ? Int(sequence - saved.first) + 1 : 0
        guard skipped < saved.events.count else { return nil }
        return EventBatch(
            spool: saved.id, first: saved.first + UInt64(skipped),
            events: Array(saved.events.dropFirst(skipped).prefix(count)))
    }

    /// The coordinator has everything up to and including `sequence`.
    func acknowledge(upTo sequence: UInt64) {
        guard sequence >= saved.first else { return }
        drop(Int(min(sequence - saved.first + 1, UInt64(saved.events.count))))
        save()
    }

    /// Fires once at the start and after every new event.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        watchers.append(continuation)
        if watchers.count > 4 { watchers.removeFirst().finish() }
        continuation.yield()
        return stream
    }

    private func drop(_ count: Int) {
        saved.events.removeFirst(count)
        saved.first += UInt64(count)
    }

    /// Losing an event on a full disk is better than stopping the node's work for it.
    private func save() {
        guard let bytes = try? JSON.encode(saved) else { return }
        try? files.replace(path, with: bytes, mode: 0o600, op: "events.replace")
    }
}
