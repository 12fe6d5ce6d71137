import FoundationEssentials
import Logging
import Model
import Outside

/// Makes the node what its spec says, again and again, and tells what it is.
///
/// Level-triggered: each pass checks every step afresh, whatever happened before. It is the one
/// place on a node that catches a step's errors; it turns them into status.
public actor Reconciler {
    /// Makes the step for a spec; nil if this agent does not know its kind.
    public typealias StepMaker = @Sendable (StepSpec) -> (any Step)?

    /// Longest time between two passes when nothing happens.
    static let passInterval = Duration.seconds(300)
    /// The same while a step has drifted: what only stopped may start again by itself.
    static let driftInterval = Duration.seconds(30)
    /// Shortest and longest wait before a failed step is tried again.
    static let retryMin = Duration.seconds(2)
    static let retryMax = Duration.seconds(300)
    /// Of an event's detail: a batch of events that no frame can hold would end every link.
    private static let detailScalarsMax = 1000

    /// How one step has gone so far in this generation.
    private struct Attempts {
        var count = 0
        var retryAt: Duration?
        var state = StepState.waiting
        var detail = ""
        var certificate: PublicCertificate?

        /// Nothing is to be tried.
        mutating func rest() { (count, retryAt) = (0, nil) }

        /// Whether steps that need this one may go on. What a person changed on purpose does not
        /// keep a certificate from being renewed.
        var isSettled: Bool { state == .converged || state.drift != nil }

        mutating func describe(_ step: any Step, _ world: World) async {
            detail = await step.detail(world)
            certificate = await step.publicCertificate(world)
        }
    }

    private let settings: Settings
    private let world: World
    private let file: SpecFile
    private let drifts: DriftFile
    /// What the file said, and when it had been changed: it is asked several times a pass.
    private var lastRead: (stamp: FileInfo, spec: NodeSpec)?
    private let makeStep: StepMaker
    private let events: EventSpool
    private let facts: Facts
    private let version: String
    private let log: Logger

    private var attempts: [StepID: Attempts] = [:]
    private var generation: UInt64 = 0
    /// Whose spec the last whole pass was about.
    private var checkedFor: RunID?
    private var refused: Failure?
    private var timer: Task<Void, any Error>?
    /// Who waits for the end of the pass that begins next.
    private var asking: [CheckedContinuation<Void, Never>] = []
    private var watchers: [UUID: AsyncStream<NodeStatus>.Continuation] = [:]
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    public init(
        settings: Settings, state: StateFolder, world: World, facts: Facts, events: EventSpool,
        version: String, log: Logger, makeStep: @escaping StepMaker
    ) {
        self.settings = settings
        self.world = world
        self.facts = facts
        self.events = events
        self.version = version
        self.log = log
        self.makeStep = makeStep
        file = SpecFile(files: world.files, path: state.spec)
        drifts = DriftFile(files: world.files, path: state.drift)
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Passes for ever: at once, when a spec arrives, when a retry is due, and every five minutes.
    /// Ends when its task is cancelled.
    public func run() async {
        wake.yield()
        for await _ in wakes {
            do {
                try await pass()
            } catch {
                log.error("pass failed", metadata: ["error": "\(error)"])
            }
            timer?.cancel()
            timer = Task { [wait = untilNextPass(), world, wake] in
                try await world.clock.sleep(wait, op: "reconciler.idle")
                wake.yield()
            }
        }
        timer?.cancel()
        answerAll(&asking)
    }

    /// Checks every step once and applies those that differ, unless a newer spec comes meanwhile.
    /// Throws `invalid` if the saved spec cannot be read.
    public func pass() async throws {
        var asked = asking
        asking = []
        defer { answerAll(&asked) }
        guard let spec = try spec() else { return }
        if spec.generation != generation {
            (attempts, generation) = ([:], spec.generation)
        }
        // Who drives anew waits for what is true now, not for the end of an old back-off.
        if spec.run != checkedFor { forgetBackoff() }
        for step in spec.steps {
            if Task.isCancelled { return }
            // What a newer spec may not want is not begun. Its own pass is due already.
            guard try self.spec() == spec else {
                asking += asked
                asked = []
                return
            }
            await converge(step, of: spec)
        }
        guard checkedFor != spec.run else { return }
        checkedFor = spec.run
        publish()
    }

    /// Saves a new spec and starts a pass. A spec that the fence refuses is reported in the status.
    public func accept(_ spec: NodeSpec) {
        do {
            lastRead = nil
            try file.accept(spec, as: settings)
            refused = nil
            wake.yield()
        } catch {
            let failure = Failure(error, trying: "accepting generation \(spec.generation)")
            refused = failure
            log.warning("spec refused", metadata: ["reason": "\(failure.message)"])
            publish()
        }
    }

    /// Something outside has changed what a step waits for: what failed is tried again at once.
    public func retry() {
        forgetBackoff()
        wake.yield()
    }

    /// The first step of that kind that this node is to have; nil if there is none. Throws
    /// `invalid` if the saved spec cannot be read.
    func step<Wanted: Step>(_ type: Wanted.Type) throws -> Wanted? { try steps(type).first }

    /// All of that kind, as above.
    func steps<Wanted: Step>(_ type: Wanted.Type) throws -> [Wanted] {
        let wanted = try spec()?.steps.filter { $0.presence == .present } ?? []
        return wanted.compactMap { makeStep($0) as? Wanted }
    }

    /// Looks at a step again now, whatever it waits for, and says how the node is after that. Waits
    /// for a pass in flight first, so that no step runs twice at once.
    func redo(_ id: StepID) async -> NodeStatus {
        attempts[id]?.retryAt = nil
        await withCheckedContinuation { continuation in
            asking.append(continuation)
            wake.yield()
        }
        return status()
    }

    /// What a fresh check of every step of `spec` finds, whether the node has it or not. Changes
    /// nothing. Throws `invalid` for another node's spec.
    func look(at spec: NodeSpec) async throws -> [StepFinding] {
        try settings.require(spec, .invalid, trying: "checking a spec")
        var findings: [StepFinding] = []
        for step in spec.steps { findings.append(try await look(at: step)) }
        return findings
    }

    private func look(at spec: StepSpec) async throws -> StepFinding {
        guard let step = makeStep(spec) else {
            return StepFinding(id: spec.id, verdict: .unsupported)
        }
        do {
            let condition = try await step.check(world)
            let isWanted = spec.presence == .present && condition != .right
            return StepFinding(
                id: spec.id, verdict: .found(condition),
                diff: isWanted ? try await step.diff(world) : "")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return StepFinding(
                id: spec.id, verdict: .failed(Failure(error, trying: "checking \(spec.id)")))
        }
    }

    /// What the node obeys already, for the hello.
    public func fence() -> Fence? { (try? spec()).flatMap { $0.map(Fence.init(of:)) } }

    /// The status now and after each change; the newest replaces one that was not read yet.
    public func statuses() -> AsyncStream<NodeStatus> {
        let (stream, continuation) = AsyncStream<NodeStatus>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        watchers[id] = continuation
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(id) }
        }
        continuation.yield(status())
        return stream
    }

    public func status() -> NodeStatus {
        let steps = (try? spec())?.steps ?? []
        return NodeStatus(
            node: settings.node, generation: generation,
            steps: steps.map { step in
                let now = attempts[step.id] ?? Attempts()
                return StepStatus(
                    id: step.id, state: now.state, detail: now.detail,
                    certificate: now.certificate)
            },
            checkedFor: checkedFor, facts: facts, agentVersion: version,
            reportedAt: world.clock.now(), refused: refused)
    }

    private func spec() throws -> NodeSpec? {
        let stamp = try world.files.info(file.path)
        if let lastRead, lastRead.stamp == stamp { return lastRead.spec }
        let spec = try file.read()
        lastRead = stamp.flatMap { stamp in spec.map { (stamp, $0) } }
        return spec
    }

    private func converge(_ spec: StepSpec, of node: NodeSpec) async {
        var now = attempts[spec.id] ?? Attempts()
        guard let step = makeStep(spec) else {
            return note(spec.id, &now, .unsupported)
        }
        let isReady = spec.needs.allSatisfy { attempts[$0]?.isSettled == true }
        guard isReady else {
            // An old back-off that has passed would be due again and again.
            now.retryAt = nil
            return note(spec.id, &now, .waiting)
        }
        if let retryAt = now.retryAt, world.clock.uptime() < retryAt { return }
        do {
            let found = try await step.check(world)
            if isRight(found, spec) {
                try await settle(spec, node)
                now.rest()
                await now.describe(step, world)
                return note(spec.id, &now, .converged)
            }
            if try drifts.isDrift(spec, of: node) {
                let drift = try await tell(found, of: step, spec)
                now.rest()
                await now.describe(step, world)
                return note(spec.id, &now, .drifted(drift))
            }
            now.count += 1
            note(spec.id, &now, .converging(attempt: now.count))
            try await change(step, spec, node)
            try await settle(spec, node)
            now.retryAt = nil
            await now.describe(step, world)
            note(spec.id, &now, .converged)
        } catch is CancellationError {
            return
        } catch {
            let failure = Failure(error, trying: "making \(spec.id) right")
            now.count = max(now.count, 1)
            now.retryAt = world.clock.uptime() + backoff(after: now.count)
            await now.describe(step, world)
            log.warning(
                "step failed", metadata: ["step": "\(spec.id)", "reason": "\(failure.message)"])
            note(spec.id, &now, .failed(failure))
        }
    }

    /// Applies or removes, then checks again: exit codes are facts, not verdicts.
    private func change(_ step: any Step, _ spec: StepSpec, _ node: NodeSpec) async throws {
        let cause = "generation \(node.generation)"
        await record(spec.id, cause, .started, "")
        do {
            switch spec.presence {
            case .present:
                try await step.apply(world) { [weak self] in await self?.tellProgress(spec.id, $0) }
            case .absent: try await step.remove(world)
            }
            let found = try await step.check(world)
            guard isRight(found, spec) else {
                throw Failure(
                    .failed, "checking again after the change: it is not right: \(found.text)",
                    fix: "look at `journalctl -u jeeves-agent` on the node")
            }
            log.info("step converged", metadata: ["step": "\(spec.id)"])
            await record(spec.id, cause, .done, "")
        } catch let error where !(error is CancellationError) {
            await record(spec.id, cause, .failed, Failure(error, trying: "\(spec.id)").message)
            throw error
        }
    }

    /// What a step does while it is applied.
    private func tellProgress(_ id: StepID, _ text: String) {
        guard attempts[id]?.detail != text else { return }
        attempts[id]?.detail = text
        publish()
    }

    private func isRight(_ found: Condition, _ spec: StepSpec) -> Bool {
        switch spec.presence {
        case .present: found == .right
        case .absent: found == .missing
        }
    }

    /// Remembers that a step is right.
    private func settle(_ spec: StepSpec, _ node: NodeSpec) async throws {
        guard try drifts.noteRight(spec, of: node) else { return }
        log.info("drift ended", metadata: ["step": "\(spec.id)"])
        await record(spec.id, "drift", .done, "")
    }

    /// What somebody changed; it is an event when it is new.
    private func tell(
        _ found: Condition, of step: any Step, _ spec: StepSpec
    ) async throws -> Drift {
        let drift = Drift(found, diff: try await step.diff(world))
        if try drifts.noteTold(spec.id) {
            log.warning(
                "step drifted", metadata: ["step": "\(spec.id)", "reason": "\(drift.what)"])
            await record(spec.id, "drift", .started, drift.what)
        }
        return drift
    }

    private func forgetBackoff() {
        for id in attempts.keys { attempts[id]?.retryAt = nil }
    }

    private func backoff(after attempt: Int) -> Duration {
        let window = min(Self.retryMax, Self.retryMin * (1 << min(attempt, 8)))
        return Self.retryMin + world.chance.jitter(window)
    }

    private func note(_ id: StepID, _ now: inout Attempts, _ state: StepState) {
        now.state = state
        let changed = attempts[id]?.state != state || attempts[id]?.detail != now.detail
        attempts[id] = now
        if changed { publish() }
    }

    private func record(
        _ id: StepID, _ cause: String, _ outcome: Event.Outcome, _ detail: String
    ) async {
        await events.append(
            Event(
                at: world.clock.now(), actor: "agent/\(settings.node)", subject: "step/\(id)",
                cause: cause, outcome: outcome,
                detail: detail.prefix(scalars: Self.detailScalarsMax)))
    }

    private func answerAll(_ asked: inout [CheckedContinuation<Void, Never>]) {
        for continuation in asked { continuation.resume() }
        asked = []
    }

    private func publish() {
        let status = status()
        for watcher in watchers.values { watcher.yield(status) }
    }

    private func forget(_ id: UUID) { watchers[id] = nil }

    /// How long nothing is due after a pass.
    func untilNextPass() -> Duration {
        let hasDrifted = attempts.values.contains { $0.state.drift != nil }
        let longest = hasDrifted ? Self.driftInterval : Self.passInterval
        guard let due = attempts.values.compactMap(\.retryAt).min() else { return longest }
        return max(.milliseconds(100), min(longest, due - world.clock.uptime()))
    }
}
