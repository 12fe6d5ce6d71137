import Glibc
import NIOPosix
import Testing

@testable import Outside

@Suite struct OneThreadTests {
    /// Asked outside of any task's own code, where Swift lets nobody ask for the thread.
    private nonisolated func thread() -> UInt { UInt(pthread_self()) }

    @Test("tasks that wait, and what they start, run on the loop's thread alone")
    func oneThread() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let wanted = try await loop.submit { UInt(pthread_self()) }.get()
        let seen = await withTaskExecutorPreference(LoopExecutor(loop: loop)) {
            await withTaskGroup(of: [UInt].self) { tasks in
                for _ in 0..<8 {
                    tasks.addTask {
                        let before = thread()
                        await Task.yield()
                        return [before, thread()]
                    }
                }
                return await tasks.reduce(into: [thread()]) { $0 += $1 }
            }
        }
        try await group.shutdownGracefully()
        #expect(seen.count == 17)
        #expect(Set(seen) == [wanted])
    }
}
