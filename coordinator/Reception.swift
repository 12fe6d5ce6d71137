import AWS
import Logging
import Model
import Outside
import Store
import Trust
import Wire

/// The coordinator's open doors: the agents' port, the package port, and the errands of verbs that
/// run beside it, while something runs.
enum Reception {
    static func open<Result: Sendable>(
        _ run: StageRun, authority: Authority, package: PackageFile,
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let (host, port) = try split(run.cluster.coordinator.listen)
        let identity = try ServerIdentity(
            authority, of: run.cluster.cluster, clock: run.world.clock, log: run.log)
        let listener = try await Listener.bind(
            host: host, port: port, credentials: { identity.credentials() },
            check: { chain in
                let peer = try await PeerPolicy.checkAgent(
                    chain, cluster: run.cluster.cluster, rootPEM: authority.rootPEM,
                    denied: try Revocations(run.store).all(), now: run.world.clock.now())
                if let node = AgentURI.node(peer.uri, of: run.cluster.cluster) {
                    try Departures(run.store).admit(node, issuedAt: peer.issuedAt)
                }
                return Peer(uri: peer.uri, serial: peer.serial, expired: peer.expired)
            },
            log: run.log)
        let server = try await package.serve(host: host, run.cluster)
        let enrolments = EnrolmentDesk.make(run, authority: authority)
        let serving = Task {
            // One task a conversation: the listener bounds how many strangers there are, and each
            // node has one link.
            await withDiscardingTaskGroup { group in
                for await accepted in listener.accepted {
                    switch accepted {
                    case .link(let link): group.addTask { await run.downlinks.serve(link) }
                    case .enrolment(let link, let source):
                        group.addTask { await enrolments.serve(link, from: source) }
                    case .tunnel(let hello, let stream, let peer):
                        group.addTask { await run.access.deliver(hello, stream, from: peer) }
                    }
                }
                group.cancelAll()
            }
        }
        let looking = Task {
            while !Task.isCancelled {
                await run.access.cut(run.downlinks.cutRevoked())
                try? await run.world.clock.sleep(Revocations.lookEvery, op: "revocations.look")
            }
        }
        let listening = Task {
            // Orders to a rollout come from other processes, through the store.
            while !Task.isCancelled {
                run.store.catchUp()
                try? await run.world.clock.sleep(Errands.interval, op: "store.look")
            }
        }
        let errands = Task {
            await Errands(store: run.store, world: run.world).serve(log: run.log) {
                try await run.answer(to: $0, of: $1)
            }
        }
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        looking.cancel()
        listening.cancel()
        errands.cancel()
        await errands.value
        await run.access.close()
        await listener.close()
        await server?.stop()
        await run.downlinks.closeAll()
        serving.cancel()
        return try result.get()
    }

    private static func split(_ address: String) throws -> (host: String, port: UInt16) {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else {
            throw Failure(
                .invalid, "listening on \(address): it is not address:port",
                fix: "write `coordinator.listen` as 0.0.0.0:7443")
        }
        return (String(address[..<colon].filter { $0 != "[" && $0 != "]" }), port)
    }
}

/// Judges strangers by what Terraform made and issues their first certificates.
private enum EnrolmentDesk {
    static func make(_ run: StageRun, authority: Authority) -> Enrolments {
        Enrolments(
            chance: run.world.chance, log: run.log,
            judge: { request, nonce in
                switch request.proof {
                case .aws(let headers):
                    try await judge(request, headers: headers, nonce: nonce, run)
                case .token(let token):
                    try Tokens(run.store).redeem(
                        token, node: request.node, key: IdentityProof.keyHash(request.csrPEM),
                        now: run.world.clock.now())
                }
                // Only who has proved to be that node learns of it.
                try Revocations(run.store).admit(request.node, to: "enrolling")
            },
            issue: { request in
                let now = run.world.clock.now()
                let chain = try authority.issueAgent(
                    csrPEM: request.csrPEM, node: request.node, cluster: run.cluster.cluster,
                    now: now)
                let admitted = Event(
                    at: now, actor: "agent/\(request.node)", subject: "node/\(request.node)",
                    cause: "enrolment", outcome: .done, detail: "admitted")
                // It may come as often as it likes.
                try run.store.append([admitted], of: request.node)
                return CertificateChain(pem: chain)
            })
    }

    /// The proof is replayed to STS, and what STS says must be the very instance that Terraform
    /// made for this node.
    private static func judge(
        _ request: EnrolmentRequest, headers: [String: String], nonce: String, _ run: StageRun
    ) async throws {
        let call = try IdentityProof.judge(
            headers: headers, nonce: nonce, csrPEM: request.csrPEM, cluster: run.cluster.cluster,
            region: run.cluster.aws.region, now: run.world.clock.now())
        let caller = try await run.cloud.sts.replay(headers: call.headers, body: call.body)
        let infrastructure = try run.infrastructure()
        guard let machine = infrastructure.machines[request.node] else {
            throw Failure(
                .unauthorized, "enrolling \(request.node): this cluster has no such node",
                fix: "wait while `jeeves up` makes it; if it never enrols, mend `node` in its "
                    + "/etc/jeeves/agent.json")
        }
        guard caller.account == infrastructure.account, caller.roleName == infrastructure.roleName,
            caller.sessionName == machine.instanceID
        else {
            throw Failure(
                .unauthorized,
                "enrolling \(request.node): STS says it is \(caller.sessionName) with role "
                    + "\(caller.roleName) of \(caller.account), Terraform made "
                    + "\(machine.instanceID)")
        }
        try Departures(run.store).admit(request.node, instanceID: machine.instanceID)
    }
}
