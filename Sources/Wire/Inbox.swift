import Model
import NIOCore
import Synchronization

/// A queue from an event loop to the one task that reads it. It never drops anything: when it is
/// full the connection stops reading, and TCP slows the peer down.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var queue = CircularBuffer<(element: Element, bytes: Int)>()
        var bytes = 0
        var reader: CheckedContinuation<Element?, any Error>?
        var end: Result<Void, any Error>?
        var isPaused = false
    }

    /// What an element costs beside its bytes, so that a flood of tiny ones is bounded too.
    private static var overheadBytes: Int { 256 }

    private let state = Mutex(State())
    private let bytesMax: Int
    private let resume: @Sendable () -> Void

    /// `resume` is called when a reader has emptied half of a queue that was found full.
    init(bytesMax: Int, resume: @escaping @Sendable () -> Void) {
        self.bytesMax = bytesMax
        self.resume = resume
    }

    /// The next element; nil at the clean end. Throws why the connection broke, or
    /// `CancellationError`. Only one task may wait at a time.
    func next() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reader in
                if take(for: reader) { resume() }
            }
        } onCancel: {
            let reader = state.withLock { $0.reader.take() }
            reader?.resume(throwing: CancellationError())
        }
    }

    /// Answers `reader` now, or keeps it until there is something. True if the connection may read
    /// again.
    private func take(for reader: CheckedContinuation<Element?, any Error>) -> Bool {
        let (answer, resumes): (Result<Element?, any Error>?, Bool) = state.withLock { state in
            if Task.isCancelled { return (.failure(CancellationError()), false) }
            if let first = state.queue.popFirst() {
                state.bytes -= first.bytes
                let resumes = state.isPaused && state.bytes <= bytesMax / 2
                if resumes { state.isPaused = false }
                return (.success(first.element), resumes)
            }
            if let end = state.end { return (end.map { nil }, false) }
            guard state.reader == nil else {
                let busy = Failure(.conflict, "reading a connection: another task reads it")
                return (.failure(busy), false)
            }
            state.reader = reader
            return (nil, false)
        }
        if let answer { reader.resume(with: answer) }
        return resumes
    }

    func put(_ element: Element, bytes: Int) {
        let reader = state.withLock { state -> CheckedContinuation<Element?, any Error>? in
            guard state.end == nil else { return nil }
            if let reader = state.reader.take() { return reader }
            let cost = bytes + Self.overheadBytes
            state.queue.append((element, cost))
            state.bytes += cost
            return nil
        }
        reader?.resume(returning: element)
    }

    /// Puts back what was read too much, before everything else.
    func unread(_ element: Element, bytes: Int) {
        state.withLock { state in
            state.queue.prepend((element, bytes + Self.overheadBytes))
            state.bytes += bytes + Self.overheadBytes
        }
    }

    /// What is queued can still be read; then comes the end. The first end counts.
    func end(_ reason: Failure?) {
        let reader = state.withLock { state -> CheckedContinuation<Element?, any Error>? in
            guard state.end == nil else { return nil }
            state.end = reason.map { .failure($0) } ?? .success(())
            return state.reader.take()
        }
        if let reason { reader?.resume(throwing: reason) } else { reader?.resume(returning: nil) }
    }

    /// Whether reading must stop; if so, `resume` will be called.
    func pauseIfFull() -> Bool {
        state.withLock { state in
            if state.bytes >= bytesMax { state.isPaused = true }
            return state.isPaused
        }
    }

    /// Why the connection ended, once it has; a clean end says that the peer closed it.
    var ending: Failure? {
        state.withLock { state in
            switch state.end {
            case nil: nil
            case .success: Failure(.unavailable, "the connection is closed")
            case .failure(let error): error as? Failure ?? Failure(error, trying: "reading")
            }
        }
    }
}
