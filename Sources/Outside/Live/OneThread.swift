import NIOCore
import NIOPosix
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

/// Runs all of a program's tasks on one thread, which also waits for its sockets and its timers.
///
/// For a daemon that is idle for days: Swift's own pool of threads wakes once a second to look
/// after itself, and starts and ends threads for each bit of work. What blocks for long needs a
/// thread of its own, as everywhere.
public enum OneThread {
    /// Call it first thing in `main`, before any task and any socket.
    public static func use() {
        NIOSingletons.groupLoopCountSuggestion = 1
        _createExecutors(factory: Factory.self)
    }

    private enum Factory: ExecutorFactory {
        static let mainExecutor: any MainExecutor = PlatformExecutorFactory.mainExecutor
        static let defaultExecutor: any TaskExecutor = LoopExecutor(
            loop: MultiThreadedEventLoopGroup.singleton.next())
    }
}

/// Swift's tasks on an event loop.
final class LoopExecutor: TaskExecutor, SchedulingExecutor {
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { self.run(job) }
    }

    func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
        let job = UnownedJob(job)
        let delay = (delay as? Duration).map { TimeAmount($0) } ?? .zero
        loop.scheduleTask(in: delay) { self.run(job) }
    }

    func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
        enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }

    private func run(_ job: UnownedJob) { job.runSynchronously(on: asUnownedTaskExecutor()) }
}
