import Model
import Outside

/// A real program that runs beside a test until it is stopped, or until the test's process ends it.
public struct Daemon: Sendable {
    public let child: ChildID
    private let processes: any Processes
    private let life: Task<Finished, any Error>

    /// No test takes that long.
    private static let longest = Limits(deadline: .seconds(600), grace: .seconds(2))

    /// `hearing` gets each line that it prints.
    ///
    /// Throws `failed` with its last words if it ends before `isReady`, `timeout` if it never is.
    public static func start(
        _ command: Command, in world: World,
        hearing line: @escaping @Sendable (String) async -> Void = { _ in },
        isReady: @escaping @Sendable () async -> Bool
    ) async throws -> Daemon {
        let (children, found) = AsyncStream<ChildID>.makeStream()
        let processes = world.processes
        let life = Task {
            defer { found.finish() }
            return try await processes.run(
                command, limits: longest, op: "daemon", started: { found.yield($0) },
                line: line)
        }
        guard let child = await children.first(where: { _ in true }) else {
            throw Failure(.failed, "starting \(command.program): \(try await life.value.sentence)")
        }
        let daemon = Daemon(child: child, processes: processes, life: life)
        do {
            _ = try await world.clock.poll(
                every: .milliseconds(10), atMost: .seconds(15),
                waitingFor: "\(command.program) to be ready", op: "daemon.ready"
            ) { () -> Bool? in
                guard daemon.isRunning else {
                    let end = try await life.value
                    throw Failure(.failed, "starting \(command.program): \(end.sentence)")
                }
                return await isReady() ? true : nil
            }
        } catch {
            await daemon.stop()
            throw error
        }
        return daemon
    }

    public var isRunning: Bool { processes.isAlive(child) }

    /// SIGTERM to it and to all that it started; returns when they are gone.
    public func stop() async {
        life.cancel()
        _ = try? await life.value
    }
}
