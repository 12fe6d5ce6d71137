import FoundationEssentials
import Logging
import Model
import Outside
import Store

/// Being the one coordinator: takes the lease, renews it while it lasts, gives it back.
actor Tenure {
    /// A coordinator that was killed blocks the next for this long at most.
    static let ttl = Duration.seconds(15)
    /// For who said that they can wait.
    static let waitMax = Duration.seconds(24 * 3600)
    private static let wordEvery = Duration.seconds(60)

    private let store: Store
    private let clock: any Clocks
    private var lease: Lease
    private var renewal: Task<Void, Never>?
    private var stop: (@Sendable () -> Void)?
    private var loss: Failure?

    /// Waits for an earlier holder whose claim is about to end by itself. Throws `locked` with
    /// who holds the lease if it is being renewed, because then that coordinator is alive; one who
    /// `waits` is told so each minute instead, for a day at most.
    static func begin(
        _ store: Store, holder: String, clock: any Clocks, log: Logger, waits: Bool = false,
        say: @Sendable (String) -> Void
    ) async throws -> Tenure {
        let first = try store.lease()
        let end = clock.uptime() + (waits ? waitMax : ttl + .seconds(2))
        var nextWord = clock.uptime()
        while true {
            do {
                let lease = try store.acquireLease(holder: holder, now: clock.now(), ttl: ttl)
                let tenure = Tenure(store: store, clock: clock, lease: lease)
                await tenure.keep(log)
                return tenure
            } catch let failure as Failure where failure.code == .locked {
                let held = try store.lease()
                let isRenewed = held.map { $0.until != first?.until } ?? false
                guard waits || !isRenewed, clock.uptime() < end else { throw failure }
                if clock.uptime() >= nextWord, let held {
                    say(waits ? word(held, now: clock.now()) : waitingForEarlier)
                    nextWord = waits ? clock.uptime() + wordEvery : end
                }
                try await clock.sleep(.seconds(1), op: "lease.wait")
            }
        }
    }

    private static let waitingForEarlier = "waiting for the claim of an earlier run to end"

    private static func word(_ held: Lease, now: Date) -> String {
        "waiting for \(held.holder), the coordinator since \(held.since.formatted(.iso8601)) "
            + "(\(Duration.seconds(now.timeIntervalSince(held.since)).shortText)); Ctrl-C gives up"
    }

    private init(store: Store, clock: any Clocks, lease: Lease) {
        self.store = store
        self.clock = clock
        self.lease = lease
    }

    /// What this coordinator's store writes under: it fails once another has begun.
    func current() -> Lease { lease }

    /// Runs `body`, and cancels it once another coordinator has begun, because two must never act.
    /// Throws `locked` then, else what `body` throws.
    func hold<Result: Sendable>(
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let work = Task { try await body() }
        stop = { work.cancel() }
        if loss != nil { work.cancel() }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        if let loss { throw loss }
        return try result.get()
    }

    func end() {
        renewal?.cancel()
        try? store.release(lease)
    }

    private func keep(_ log: Logger) {
        renewal = Task {
            while !Task.isCancelled {
                do {
                    try await clock.sleep(Self.ttl / 3, op: "lease.renew")
                    // It may have been given back between the waking and this line.
                    guard !Task.isCancelled else { return }
                    lease = try store.renew(lease, now: clock.now(), ttl: Self.ttl)
                } catch is CancellationError {
                    return
                } catch let failure as Failure where failure.code == .conflict {
                    return lose(failure, log)
                } catch {
                    // It lasts for two more tries; after that anybody may begin.
                    log.warning(
                        "claim to be the coordinator not renewed", metadata: ["reason": "\(error)"])
                    if lease.isOver(at: clock.now()) {
                        return lose(Failure(error, trying: "renewing the claim"), log)
                    }
                }
            }
        }
    }

    private func lose(_ failure: Failure, _ log: Logger) {
        log.error("claim to be the coordinator lost", metadata: ["reason": "\(failure.message)"])
        let reason = (try? store.lease()).flatMap { $0 }.map {
            "\($0.holder) became the coordinator at \($0.since.formatted(.iso8601))"
        }
        loss = Failure(
            .locked, "staying the coordinator: \(reason ?? failure.message)",
            fix: Failure.Fix.afterTheOther)
        stop?()
    }
}
