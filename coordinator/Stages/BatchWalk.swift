import Model
import Outside
import Store

/// What the nodes of a role need besides their specs.
protocol BatchWork: Sendable {
    /// Called before a node that serves gets its new spec.
    func prepare(_ wish: Wish) async throws

    /// What keeps these nodes from serving as they must, seen from elsewhere than their agents.
    func troubles(of nodes: [NodeName]) async throws -> [NodeName: Failure]
}

/// Leads the nodes of one role to their specs, batch by batch.
///
/// A node of a later batch keeps the spec that it has until every batch before it has been right,
/// and has stayed so for `rollout.stableSeconds`. A batch that does not get there ends the run:
/// nothing is reverted, and the next run goes on with the same batch.
struct BatchWalk: Sendable {
    struct Outcome: Sendable, Hashable {
        /// Nodes made right that had never served.
        var added = 0
        /// Nodes that served and were changed.
        var updated = 0
        /// Whether anything was seen changing.
        var changed = false
        var failed: [NodeName] = []
    }

    /// How often is looked at nodes from elsewhere.
    private static let lookInterval = Duration.seconds(5)

    let convergence: Convergence
    let run: StageRun
    let work: any BatchWork

    private var settings: RolloutSection { run.cluster.rollout }

    /// Throws the failure of the batch that stopped it, with what the batch holds and what was not
    /// touched.
    func walk() async throws -> Outcome {
        let wishes = try await convergence.wishes(run)
        var plan = try BatchPlan.current(
            of: convergence.role, for: wishes, settings: settings, run.store)
        let ahead = Set(plan.remaining.flatMap(\.nodes))
        try plan.save(of: convergence.role, run.store)
        for wish in wishes {
            if wish.standing == .new || !ahead.contains(wish.spec.node) {
                try await convergence.hand(wish.spec, run)
            } else {
                await convergence.keep(wish, run)
            }
        }
        var outcome = Outcome(failed: plan.failed)
        var right = wishes.map(\.spec).filter {
            !ahead.contains($0.node) && !plan.failed.contains($0.node)
        }
        do {
            outcome.changed = try await convergence.converge(run, right, isNew: false, until: nil)
        } catch { throw try stopped(error, nil, plan) }
        while let batch = plan.next {
            let members = wishes.filter {
                batch.nodes.contains($0.spec.node) && !plan.failed.contains($0.spec.node)
            }
            do {
                if !batch.isNew {
                    let later = wishes.filter { plan.later.contains($0.spec.node) }
                    try await begin(batch, members, after: right, before: later, &plan)
                }
                right += try await pass(batch, members, &plan, &outcome)
            } catch { throw try stopped(error, batch, plan, members) }
        }
        outcome.failed = plan.failed
        return outcome
    }

    /// Gets a batch of nodes that serve ready for their new specs, once all others are as they
    /// should be and no person has it rest.
    private func begin(
        _ batch: Batch, _ members: [Wish], after right: [NodeSpec], before later: [Wish],
        _ plan: inout BatchPlan
    ) async throws {
        if settings.promotion == .manual, plan.isAtGate {
            try await run.awaitPromotion(before: plan.position)
            plan.promote()
            try plan.save(of: convergence.role, run.store)
        }
        // What was passed may have broken since, and what comes later may have gone down or been
        // changed: beside such a node no other one is touched.
        try await stay(right, beside: later, for: .zero, until: nil)
        try await run.checkpoint(before: plan.position)
        run.say("\(plan.position): \(batch.text)")
        try run.store.append(
            [event(.started, "\(plan.position): \(batch.text)")], with: serving(members),
            when: [])
        for wish in members { try await prepare(wish) }
    }

    /// Takes one batch from its old specs to being stable with the new ones; returns those.
    private func pass(
        _ batch: Batch, _ members: [Wish], _ plan: inout BatchPlan, _ outcome: inout Outcome
    ) async throws -> [NodeSpec] {
        var specs = members.map(\.spec)
        let beginning = try run.store.revision()
        for spec in specs { try await convergence.hand(spec, run) }
        let deadline =
            batch.isNew
            ? nil : run.world.clock.uptime() + .seconds(settings.deadlineSeconds)
        while !specs.isEmpty {
            do {
                let changed = try await convergence.converge(
                    run, specs, isNew: batch.isNew, until: deadline)
                outcome.changed = outcome.changed || changed
                if let deadline {
                    try await stay(
                        specs, for: .seconds(settings.stableSeconds), until: deadline,
                        promotedAfter: beginning)
                }
                break
            } catch let stumble as Stumble {
                guard let node = stumble.node, mayLeave(stumble, plan) else { throw stumble }
                run.say("\(node): left behind: \(stumble.failure.message)")
                plan.leave(node)
                try plan.save(
                    of: convergence.role, run.store,
                    telling: [event(.failed, "\(node) left behind: \(stumble.failure.message)")])
                specs.removeAll { $0.node == node }
            }
        }
        if batch.isNew { outcome.added += specs.count } else { outcome.updated += specs.count }
        let end = batch.isNew ? [] : [event(.done, "\(plan.position): \(batch.text)")]
        plan.pass()
        let settled = try specs.compactMap { spec in
            try members.first { $0.spec == spec }.map {
                try Settled(instanceID: $0.instanceID, digest: spec.digest).write(spec.node)
            }
        }
        try plan.save(of: convergence.role, run.store, with: settled, telling: end)
        return specs
    }

    /// Remembers of those that were never seen right that they may serve: once they have a spec of
    /// ours, nothing else tells them from new ones.
    private func serving(_ members: [Wish]) throws -> [Write] {
        try members.compactMap { wish in
            let node = wish.spec.node
            guard try Settled.read(node, run.store)?.instanceID != wish.instanceID else {
                return nil
            }
            return try Settled(instanceID: wish.instanceID, digest: nil).write(node)
        }
    }

    /// What keeps a node from its turn says itself what was tried.
    private func prepare(_ wish: Wish) async throws {
        do {
            try await work.prepare(wish)
        } catch let failure as Failure {
            throw Stumble(nil, failure, isOutside: failure.code == .unavailable)
        }
    }

    /// How a batch of nodes that serve goes; which node got which spec is told beside it.
    private func event(_ outcome: Event.Outcome, _ detail: String) -> Event {
        run.event("batch/\(convergence.stage.rawValue)", outcome, detail)
    }

    /// Controllers are too few to lose one; and when the fault lies outside, the next node would
    /// fail of it too.
    private func mayLeave(_ stumble: Stumble, _ plan: BatchPlan) -> Bool {
        convergence.role == .worker && !stumble.isOutside
            && plan.failed.count < settings.failuresMax
    }

    /// Waits until all of `specs` are right and have been so for `window`, or until a person says
    /// after `beginning` that it is long enough, and `others` are no worse than they were: right
    /// with what they have, or at least reporting if they were torn.
    private func stay(
        _ specs: [NodeSpec], beside others: [Wish] = [], for window: Duration,
        until deadline: Duration?, promotedAfter beginning: Revision? = nil
    ) async throws {
        let serving = others.filter { $0.standing == .serving }.compactMap(\.saved)
        let torn = others.filter { $0.standing != .serving }.map(\.spec.node)
        let clock = run.world.clock
        let start = clock.uptime()
        let orders = Orders(store: run.store)
        var stability = Stability(window: window, since: start)
        var lookAt = start
        while true {
            let now = clock.uptime()
            let connected = await run.downlinks.connected()
            for spec in specs + serving {
                let status = await run.downlinks.status(of: spec.node)
                let line = stability.note(
                    status, isConnected: connected.contains(spec.node), of: spec, now: now)
                if let line { run.say(line) }
            }
            for node in torn {
                let absence = connected.contains(node) ? nil : Stability.absence
                if let line = stability.note(absence, of: node, now: now) { run.say(line) }
            }
            if let beginning, try orders.isPromoted(run.driving.run, since: beginning) {
                stability.shorten()
            }
            if !specs.isEmpty, now >= lookAt || stability.isDone(now: now) {
                let seen = try await work.troubles(of: specs.map(\.node))
                for node in specs.map(\.node) {
                    let line = stability.note(seen[node], of: node, now: now)
                    if let line { run.say(line) }
                }
                lookAt = clock.uptime() + Self.lookInterval
            }
            if let stumble = stability.verdict(now: now) { throw stumble }
            if stability.isDone(now: now) { return }
            if let deadline, now > deadline { throw stability.lateness(deadline - start) }
            try await clock.sleep(.seconds(1), op: "nodes.stable")
        }
    }
}

/// What a person is told.
extension BatchWalk {
    /// Names beyond these are counted.
    private static let namesMax = 10

    /// Says which batch stopped, what was not touched, and how it goes on.
    private func stopped(
        _ error: any Error, _ batch: Batch?, _ plan: BatchPlan, _ members: [Wish] = []
    ) throws -> any Error {
        if error is CancellationError { return error }
        let stumble = error as? Stumble
        let failure =
            stumble?.failure ?? Failure(error, trying: "converging \(batch?.text ?? "the nodes")")
        let isOutside = stumble?.isOutside ?? (failure.code == .unavailable)
        let isPart = batch?.isNew == false
        // What was right on these nodes before somebody changed them is not to blame, nor what
        // another node does not have yet.
        let isElsewhere = stumble?.node.map(plan.later.contains) ?? false
        let isToBlame =
            isPart && !isOutside && !isElsewhere && !members.allSatisfy(\.hasDrifted)
        let content = isToBlame ? try convergence.content(run) : nil
        var fixes = failure.fix.isEmpty ? [] : [failure.fix]
        if isOutside {
            fixes.append("nothing was reverted: once that answers again, `jeeves up` goes on here")
        } else if isPart {
            fixes.append("nothing was reverted")
        }
        let fix = fixes.joined(separator: "; ")
        guard let batch, isPart else { return Failure(failure.code, failure.message, fix: fix) }
        try run.store.append([event(.failed, "\(plan.position): \(failure.message)")])
        let whole = Failure(
            failure.code,
            "\(plan.position) (\(batch.text)): \(failure.message)\(Self.untouched(after: plan))",
            fix: fix)
        guard !isOutside else { return whole }
        return try run.holding(
            convergence.stage, content, whole, else: "`jeeves up` goes on with this batch")
    }

    private static func untouched(after plan: BatchPlan) -> String {
        let nodes = plan.later
        guard !nodes.isEmpty else { return "" }
        let names = nodes.prefix(namesMax).map(\.rawValue).joined(separator: ", ")
        let more = nodes.count > namesMax ? " and \(nodes.count - namesMax) more" : ""
        return "; untouched: \(names)\(more)"
    }
}

extension BatchWalk.Outcome {
    /// What was done, in one line: `2 joined, 3 changed, worker-4 failed`.
    func summary(_ role: MicroK8sSpec.Role) -> String {
        guard changed || updated > 0 || !failed.isEmpty else { return nothingToDo }
        var parts: [String] = []
        if added > 0 { parts.append("\(added) \(role == .worker ? "joined" : "converged")") }
        if updated > 0 { parts.append("\(updated) changed") }
        if !failed.isEmpty {
            parts.append(failed.map(\.rawValue).joined(separator: ", ") + " failed")
        }
        return parts.isEmpty ? "made right again" : parts.joined(separator: ", ")
    }
}
