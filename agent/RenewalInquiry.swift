import FoundationEssentials
import Logging
import Model
import Outside
import Tools
import Trust

/// Asks the CA when it wants the node's certificates replaced, and wakes the reconciler when such a
/// time has come.
///
/// It decides nothing: the step reads what was said here and judges what is due. It may fail for
/// ever, and the certificate is renewed by its lifetime.
public actor RenewalInquiry {
    private let reconciler: Reconciler
    private let world: World
    private let log: Logger
    /// The renewals that the reconciler was woken for.
    private var announced: [StepID: RenewalTime] = [:]

    private static let deadline = Duration.seconds(30)
    private static let idleMax = Duration.seconds(6 * 3600)
    private static let idleMin = Duration.seconds(1)
    /// After trouble with this node's own files.
    private static let repairMax = Duration.seconds(900)

    public init(reconciler: Reconciler, world: World, log: Logger) {
        (self.reconciler, self.world, self.log) = (reconciler, world, log)
    }

    /// Looks when something is due, and when another certificate serves. Ends when its task is
    /// cancelled.
    public func run() async {
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let changes = Task { [reconciler] in
            var before: [String]?
            for await status in await reconciler.statuses() {
                let serials = status.steps.compactMap { ServedCertificate($0.detail)?.serial }
                if serials != before { wake.yield() }
                before = serials
            }
        }
        var timer: Task<Void, any Error>?
        for await _ in wakes {
            let wait = await turn()
            timer?.cancel()
            timer = Task { [world] in
                try await world.clock.sleep(wait, op: "renewal.idle")
                wake.yield()
            }
        }
        timer?.cancel()
        changes.cancel()
    }

    /// Asks what it is time to ask, and says how long nothing is to do after that.
    func turn() async -> Duration {
        var wait = Self.idleMax
        for step in (try? await reconciler.steps(CertificateStep.self)) ?? [] {
            do {
                wait = min(wait, try await look(at: step))
            } catch {
                log.warning("renewal information not kept", metadata: ["reason": "\(error)"])
                wait = min(wait, Self.repairMax)
            }
        }
        return wait
    }

    private func look(at step: CertificateStep) async throws -> Duration {
        guard let facts = try await step.ownCertificate(world) else { return Self.idleMax }
        var advice = try step.advice(of: facts, world)
        if advice.isDue(now: world.clock.now()) {
            await ask(step.spec, facts, &advice)
            try Task.checkCancellation()
            try advice.save(step.adviceFile, world.files)
        }
        return await next(step.id, facts, advice)
    }

    private func next(
        _ id: StepID, _ facts: CertificateFacts, _ advice: RenewalAdvice
    ) async -> Duration {
        let now = world.clock.now()
        let renewal = RenewalTime(of: facts, advice: advice, now: now)
        var wait = advice.askAt.timeIntervalSince(now)
        if renewal.date > now {
            wait = min(wait, renewal.date.timeIntervalSince(now))
        } else if announced.updateValue(renewal, forKey: id) != renewal {
            log.info("certificate is due", metadata: ["reason": "\(renewal.note)"])
            await reconciler.retry()
        }
        return max(Self.idleMin, min(Self.idleMax, .seconds(wait)))
    }

    private func ask(
        _ spec: CertificateSpec, _ facts: CertificateFacts, _ advice: inout RenewalAdvice
    ) async {
        let before = (advice.word?.window, advice.trouble)
        var retryAfter: Duration?
        do {
            let info = try await answer(spec, facts, &retryAfter)
            advice.hear(info, of: facts, now: world.clock.now(), retryAfter: retryAfter)
        } catch {
            let failure = Failure(error, trying: "asking the CA when to renew")
            advice.fail(
                failure, of: facts, now: world.clock.now(), retryAfter: retryAfter,
                chance: world.chance)
        }
        guard before != (advice.word?.window, advice.trouble) else { return }
        if let trouble = advice.trouble {
            log.warning("renewal information missing", metadata: ["reason": "\(trouble)"])
        } else {
            let window = advice.word.map { "\($0.window)" } ?? "none"
            log.info("renewal information heard", metadata: ["window": "\(window)"])
        }
    }

    /// Nil if the CA never says when to renew. Throws why nothing sane was heard.
    private func answer(
        _ spec: CertificateSpec, _ facts: CertificateFacts, _ retryAfter: inout Duration?
    ) async throws -> RenewalInfo? {
        guard let authority = facts.authorityKeyHex else { return nil }
        let name = RenewalInfo.identifier(authorityKeyHex: authority, serialHex: facts.serialHex)
        let directory = try AcmeDirectory(
            try await get(AcmeDirectory.request(spec.directory, caPEM: spec.caPEM)),
            of: spec.directory)
        guard let place = try directory.renewalInfo(for: name) else { return nil }
        let response = try await get(place.get(rootsPEM: spec.caPEM))
        retryAfter = RenewalInfo.retryAfter(in: response)
        let info = try RenewalInfo(response)
        try info.window.judge(
            beginning: facts.notBefore, latest: facts.moment(left: RenewalTime.latestLeft))
        return info
    }

    private func get(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await world.network.http(
            request, deadline: Self.deadline, bytesMax: AcmeDirectory.answerBytesMax,
            op: "renewal.ask")
    }
}
