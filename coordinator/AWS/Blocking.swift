import Dispatch

/// Runs a call that blocks on a thread of its own: Swift's are only as many as there are cores.
enum Blocking {
    /// Every `body` bounds its own time, so a cancelled caller waits for it no longer than that.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            // Threads of a concurrent queue are few too; a serial queue always gets one.
            DispatchQueue(label: "jeeves.blocking").async {
                continuation.resume(with: Result(catching: body))
            }
        }
    }
}
