import Foundation
import Model

/// One process at a time: a locked file, which the kernel lets go of when its holder dies.
struct Lock {
    private let file: Int32

    /// Waits on a thread of its own while another process does `what`; everything that holds a lock
    /// has deadlines, so the wait ends. Throws `failed` with errno's text.
    init(_ path: String, of what: String) async throws {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failure(.failed, "opening \(path): \(errnoText())") }
        self.file = file
        if flock(file, LOCK_EX | LOCK_NB) == 0 { return }
        say("another run is \(what); waiting for that one")
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                while flock(file, LOCK_EX) != 0 && errno == EINTR {}
                continuation.resume()
            }
        }
    }

    func release() { close(file) }
}
