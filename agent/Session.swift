import FoundationEssentials
import Logging
import Model
import Outside
import Trust
import Wire

/// One live link: hello, then specs, requests and certificates down, status and events up.
struct Session: Sendable {
    /// How often the status is sent when nothing changes.
    static let heartbeat = Duration.seconds(30)

    let settings: Settings
    let world: World
    let identity: IdentityFile
    let pair: IdentityFile.Pair
    let link: any Link
    let reconciler: Reconciler
    let events: EventSpool
    let requests: Requests
    let version: String
    let log: Logger
    /// Called when the coordinator has said welcome.
    let welcomed: @Sendable () -> Void

    /// Runs until the link ends. Returns the redial window that the coordinator asked for.
    /// Throws what ended the link.
    func run() async throws -> Duration {
        let status = await reconciler.status()
        try await link.send(
            .hello(
                Hello(
                    node: settings.node, agentVersion: version, bootID: status.facts.bootID,
                    fence: await reconciler.fence())))
        let welcome = try await self.welcome()
        welcomed()
        if pair.isCandidate { try identity.promote(pair.credentials) }
        log.info("link up", metadata: ["coordinator": "\(welcome.coordinatorVersion)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receive(from: welcome) }
            group.addTask { try await renew(at: welcome.renewalOnly ? nil : renewalTime()) }
            if !welcome.renewalOnly {
                group.addTask { try await sendStatus() }
                group.addTask { try await beat() }
                group.addTask { try await sendEvents() }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        return .seconds(min(max(welcome.redialWindowSeconds, 1), 600))
    }

    /// The first message must be a welcome: anything else is not our coordinator.
    private func welcome() async throws -> Welcome {
        for try await message in link.incoming {
            guard case .welcome(let welcome) = message else {
                if case .refusal(let failure) = message { throw failure }
                throw Failure(
                    .invalid, "greeting the coordinator: it did not say welcome",
                    fix: Failure.Fix.sameVersions)
            }
            return welcome
        }
        throw Failure(.unavailable, "greeting the coordinator: it closed the link")
    }

    private func receive(from coordinator: Welcome) async throws {
        for try await message in link.incoming {
            switch message {
            case .spec(let spec): await reconciler.accept(spec)
            case .eventsSeen(let sequence): await events.acknowledge(upTo: sequence)
            case .request(let request):
                // Answered in a task of its own, so that a slow one holds up nothing.
                Task {
                    let body = await answer(request.body, to: coordinator)
                    if case .join = request.body { await reconciler.retry() }
                    await send(body, inReplyTo: request.id)
                }
            case .certificate(let chain):
                try saveRenewed(chain)
                log.info("client certificate renewed")
                return
            case .refusal(let failure): throw failure
            default:
                throw Failure(
                    .invalid, "listening to the coordinator: it sent an unexpected message",
                    fix: Failure.Fix.sameVersions)
            }
        }
    }

    /// An older copy of the state folder may not join, remove or reach anything through this node.
    private func answer(_ request: AgentRequest, to coordinator: Welcome) async -> Reply.Body {
        do {
            try await reconciler.fence()?.admit(
                epoch: coordinator.epoch, run: coordinator.run, for: "answering the coordinator")
            return await requests.answer(request)
        } catch {
            return .failure(Failure(error, trying: "on \(settings.node)"))
        }
    }

    /// An answer that no frame can hold is told of: who asked would wait for its whole deadline.
    private func send(_ body: Reply.Body, inReplyTo id: UInt64) async {
        do { try await link.send(.reply(Reply(id: id, body: body))) } catch let failure as Failure
            where failure.code == .invalid
        {
            let refusal = Failure(
                .invalid, failure.message, fix: "ask for less, such as fewer lines")
            try? await link.send(.reply(Reply(id: id, body: .failure(refusal))))
        } catch {
            // The link has ended, and with it the coordinator's wait.
        }
    }

    private func sendStatus() async throws {
        for await status in await reconciler.statuses() {
            try await link.send(.status(status))
        }
    }

    private func beat() async throws {
        while true {
            try await world.clock.sleep(Self.heartbeat, op: "session.heartbeat")
            try await link.send(.status(reconciler.status()))
        }
    }

    private func sendEvents() async throws {
        var sent: UInt64 = 0
        for await _ in await events.changes() {
            while let batch = await events.pending(after: sent) {
                try await link.send(.events(batch))
                sent = batch.first + UInt64(batch.events.count) - 1
            }
        }
    }

    /// Asks for a new certificate at `time` (nil: now), with a new key.
    private func renew(at time: Date?) async throws {
        if let time {
            // Wall time may jump and a node may be suspended: look again at least every hour.
            while world.clock.now() < time {
                let left = Duration.seconds(time.timeIntervalSince(world.clock.now()))
                try await world.clock.sleep(min(left, .seconds(3600)), op: "session.renewal")
            }
        }
        let key = try identity.pendingPair()
        try await link.send(.renewal(CertificateRequest(csrPEM: key.csrPEM())))
        try await world.clock.sleep(.seconds(60), op: "session.renewal.answer")
        throw Failure(.timeout, "renewing the client certificate: no answer within 60s")
    }

    /// Two thirds of the certificate's measured lifetime.
    private func renewalTime() throws -> Date {
        let facts = try CertificateFacts(pem: pair.credentials.chainPEM)
        let lifetime = facts.notAfter.timeIntervalSince(facts.notBefore)
        return facts.notBefore.addingTimeInterval(lifetime * 2 / 3)
    }

    private func saveRenewed(_ chain: CertificateChain) throws {
        let key = try identity.pending {
            throw Failure(.conflict, "renewing the client certificate: nobody asked for one")
        }
        try identity.saveCandidate(Credentials(chainPEM: chain.pem, keyPEM: key))
    }
}
