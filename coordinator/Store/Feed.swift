import Model
import Synchronization

/// Carries commits to those who watch. Never waits for a slow one: its stream ends instead.
final class Feed: Sendable {
    /// Changes that a watcher may be behind, beyond those it starts with.
    static let backlogMax = 1_000

    private struct Watchers {
        var streams: [Int: AsyncStream<Store.Change>.Continuation] = [:]
        var count = 0
    }
    private let watchers = Mutex(Watchers())

    /// Runs `commit` and hands on what it changed, with no other commit between.
    func publish(_ commit: () throws -> (Revision, [Store.Change])) rethrows -> Revision {
        try watchers.withLock { watchers in
            let (revision, changes) = try commit()
            for (id, stream) in watchers.streams where !Self.yield(changes, to: stream) {
                stream.finish()
                watchers.streams[id] = nil
            }
            return revision
        }
    }

    /// A stream that begins with `missed`, which is read with no commit between.
    func subscribe(
        _ missed: () throws -> [Store.Change]
    ) rethrows -> AsyncStream<Store.Change> {
        try watchers.withLock { watchers in
            let first = try missed()
            let (stream, continuation) = AsyncStream<Store.Change>.makeStream(
                bufferingPolicy: .bufferingOldest(first.count + Self.backlogMax))
            _ = Self.yield(first, to: continuation)
            watchers.count += 1
            let id = watchers.count
            watchers.streams[id] = continuation
            continuation.onTermination = { [weak self] reason in
                // `finish` is called under the lock, and its watcher is removed there.
                if case .cancelled = reason { self?.forget(id) }
            }
            return stream
        }
    }

    private func forget(_ id: Int) {
        watchers.withLock { $0.streams[id] = nil }
    }

    /// False once a change did not fit.
    private static func yield(
        _ changes: [Store.Change], to stream: AsyncStream<Store.Change>.Continuation
    ) -> Bool {
        for change in changes {
            guard case .enqueued = stream.yield(change) else { return false }
        }
        return true
    }
}
