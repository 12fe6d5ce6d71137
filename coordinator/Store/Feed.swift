import Model
import Synchronization

/// Carries commits to those who watch: this process's as they happen, those of others with the next
/// one of ours or when somebody asks. Never waits for a slow watcher: its stream ends instead.
final class Feed: Sendable {
    /// Changes that a watcher may be behind, beyond those it starts with.
    static let backlogMax = 1_000

    private struct Watchers {
        var streams: [Int: AsyncStream<Store.Change>.Continuation] = [:]
        var count = 0
        /// The last commit that those who watch were told of.
        var seen: Revision = 0

        /// Tells all of them what came after `seen`, whoever did it, and ends their streams if that
        /// cannot be told any more.
        mutating func catchUp(_ changes: (Revision) throws -> [Store.Change]) {
            guard !streams.isEmpty else { return }
            let missed = try? changes(seen)
            seen = missed?.last?.revision ?? seen
            for (id, stream) in streams {
                if let missed, Feed.yield(missed, to: stream) { continue }
                stream.finish()
                streams[id] = nil
            }
        }
    }
    private let watchers = Mutex(Watchers())
    /// What was committed after a revision, by any process.
    private let changes: @Sendable (Revision) throws -> [Store.Change]

    init(_ changes: @escaping @Sendable (Revision) throws -> [Store.Change]) {
        self.changes = changes
    }

    /// Runs `commit` and hands on what it and others changed.
    func publish(_ commit: () throws -> Revision) rethrows -> Revision {
        try watchers.withLock { watchers in
            let revision = try commit()
            watchers.catchUp(changes)
            return revision
        }
    }

    /// Hands on what others have changed.
    func catchUp() { watchers.withLock { $0.catchUp(changes) } }

    /// A stream that begins with what came after `revision`.
    func subscribe(from revision: Revision) throws -> AsyncStream<Store.Change> {
        try watchers.withLock { watchers in
            var first = try changes(revision)
            if watchers.streams.isEmpty {
                watchers.seen = first.last?.revision ?? revision
            } else {
                // What is newer comes to all of them together.
                watchers.catchUp(changes)
                first = first.filter { $0.revision <= watchers.seen }
            }
            let (stream, continuation) = AsyncStream<Store.Change>.makeStream(
                bufferingPolicy: .bufferingOldest(first.count + Self.backlogMax))
            _ = Self.yield(first, to: continuation)
            watchers.count += 1
            watchers.streams[watchers.count] = continuation
            return stream
        }
    }

    /// False once a change did not fit, or nobody listens any more: only here is that noticed. A
    /// handler of the stream's end would want our lock while its task's is held, and a task that is
    /// woken here wants that one while we hold ours.
    private static func yield(
        _ changes: [Store.Change], to stream: AsyncStream<Store.Change>.Continuation
    ) -> Bool {
        for change in changes {
            guard case .enqueued = stream.yield(change) else { return false }
        }
        return true
    }
}
