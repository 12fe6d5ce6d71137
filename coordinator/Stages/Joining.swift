import Model
import Outside
import Tools

/// Makes nodes members of the cluster, one at a time: a ticket is minted on a controller when it is
/// needed, and only the control plane's word counts as membership.
struct Joining: Sendable {
    static let joinMax = Duration.seconds(420)
    static let readyMax = Duration.seconds(300)
    /// The control plane lists who has joined within seconds; only then it may be long unready.
    static let listedMax = Duration.seconds(120)

    let run: StageRun
    let cluster: ClusterAccess

    /// Joins who is no member, and waits for who is not ready; true if there was one. `isNew` if
    /// none of them has served: a member of that name is another machine then.
    func join(_ specs: [NodeSpec], isNew: Bool) async throws -> Bool {
        var changed = false
        for spec in specs {
            guard let wanted = spec.join else { continue }
            let member = try await member(spec.node)
            guard member?.isReady != true else { continue }
            // One that serves is a member still, and not ready because it has just changed.
            if isNew || member == nil { try await join(spec.node, wanted) }
            try await awaitReady(spec.node)
            changed = true
        }
        return changed
    }

    private func join(_ node: NodeName, _ wanted: JoinSpec) async throws {
        let machines = try run.infrastructure().machines
        guard
            let controller = machines.first(where: {
                $0.value.privateAddress == wanted.controller
            })?.key
        else {
            throw Failure(
                .notFound, "joining \(node): no controller has the address \(wanted.controller)",
                fix: "run `jeeves up`")
        }
        run.say("\(node): joining \(controller)")
        let minted = try await run.downlinks.ask(
            controller, .mintJoinTicket, deadline: .seconds(90))
        guard case .secret(let text) = minted else {
            throw Failure(
                .invalid, "asking \(controller) for a join ticket: it sent none",
                fix: Failure.Fix.sameVersions)
        }
        let ticket = try JSON.decode(
            JoinTicket.self, from: text.reveal().utf8, what: "a join ticket")
        do {
            _ = try await run.downlinks.ask(node, .join(ticket), deadline: Self.joinMax)
        } catch let failure as Failure where failure.mayPass {
            // The join may have worked all the same: the control plane decides.
            run.say("\(node): \(failure.message)")
        }
    }

    private func awaitReady(_ node: NodeName) async throws {
        let clock = run.world.clock
        let begun = clock.uptime()
        _ = try await clock.poll(
            every: .seconds(2), atMost: Self.readyMax,
            waitingFor: "the control plane to call \(node) ready",
            fix: "look at `jeeves kubectl -- describe node \(node)` and at `jeeves logs \(node) "
                + "--source microk8s`, and run `jeeves up` again",
            op: "members.ready"
        ) {
            try await isReady(node, after: clock.uptime() - begun) ? true : nil
        }
        run.say("\(node): ready")
    }

    /// Throws `conflict` for one that is not listed when it should be.
    private func isReady(_ node: NodeName, after wait: Duration) async throws -> Bool {
        // A join restarts parts of the control plane: no answer is no verdict.
        guard let members = try? await cluster.members() else { return false }
        if let member = members.first(where: { $0.name == node.rawValue }) { return member.isReady }
        guard wait < Self.listedMax else { throw Self.unlisted(node) }
        return false
    }

    /// A worker knows the address of its controller, and cannot know that there is a new one.
    private static func unlisted(_ node: NodeName) -> Failure {
        Failure(
            .conflict,
            "waiting for \(node): it has joined, and the control plane does not list it after "
                + "\(listedMax.shortText), as if it were a member of a cluster that is gone",
            fix: "run `jeeves up` again if it joined just now; if the only controller was lost, "
                + "run `jeeves up --replace \(node)`, and name all of its workers so")
    }

    private func member(_ node: NodeName) async throws -> Kubectl.Member? {
        try await cluster.members().first { $0.name == node.rawValue }
    }
}

extension Convergence {
    private static let join = StepID(unchecked: NodeSpecs.joinStep)

    /// Makes nodes right that have their spec, until `deadline` of the clock's uptime: each by
    /// itself, then those members that have to be some; opens what we closed before. `isNew` if
    /// none of them has served. True if something was seen changing.
    func converge(
        _ run: StageRun, _ specs: [NodeSpec], isNew: Bool, until deadline: Duration?
    ) async throws -> Bool {
        let changed = try await wait(run, for: specs, apart: [Self.join], until: deadline)
        guard specs.contains(where: { $0.join != nil }) else { return changed }
        let cluster = try await ClusterAccess.open(run)
        let joined = try await Joining(run: run, cluster: cluster).join(specs, isNew: isNew)
        _ = try await wait(run, for: specs, until: deadline)
        let closed = Set(try await cluster.members().filter(\.isClosedByUs).map(\.name))
        for spec in specs where closed.contains(spec.node.rawValue) {
            try await Drain(cluster: cluster).open(spec.node)
        }
        return changed || joined
    }
}
