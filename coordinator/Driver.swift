import AWS
import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Trust
import Wire

/// One driving start of a coordinator: holds the lease, listens for agents, serves their package,
/// and runs what a person asked for. `jeeves up` embeds one; `jeeves serve` is one.
public struct Driver: Sendable {
    public struct Request: Sendable {
        public let project: Project
        public let environment: [String: String]
        public let options: RolloutOptions
        /// Who asked, for the lease and the events: `user@host`.
        public let actor: String
        /// What they typed: `jeeves up`.
        public let verb: String
        /// Whether to wait for the place while another coordinator has it.
        public let waits: Bool
        /// What is wanted instead of what the cluster file says, for a way back.
        public let cluster: ClusterSpec?

        public init(
            project: Project, environment: [String: String], options: RolloutOptions,
            actor: String, verb: String = "jeeves", waits: Bool = false,
            cluster: ClusterSpec? = nil
        ) {
            self.project = project
            self.environment = environment
            self.options = options
            self.actor = actor
            self.verb = verb
            self.waits = waits
            self.cluster = cluster
        }
    }

    let run: StageRun
    var recipe = Recipes.install
    let children: ChildTime
    let progress: @Sendable (RolloutProgress) -> Void

    /// Starts driving, calls `body`, and stops driving again whatever happens.
    ///
    /// Throws `invalid` for a wrong cluster file, `conflict` if another coordinator holds the
    /// lease, and what `body` throws.
    public static func drive<Result: Sendable>(
        _ request: Request, world outside: World, log: Logger,
        progress: @escaping @Sendable (RolloutProgress) -> Void,
        _ body: @Sendable @escaping (Driver) async throws -> Result
    ) async throws -> Result {
        let project = request.project
        let spec = try request.cluster ?? project.spec(outside.files)
        try project.requireState(outside.files)
        let children = ChildTime()
        let world = outside.timing(children)
        let say: @Sendable (String) -> Void = { progress(.line($0)) }
        let opened = try Store.open(path: project.store)
        let runID = world.chance.runID()
        let tenure = try await Tenure.begin(
            opened, holder: "\(request.actor), \(request.verb), run \(runID)", clock: world.clock,
            log: log, waits: request.waits, say: say)
        do {
            // Nothing below writes but through this one: what comes too late is refused.
            let store = opened.under(await tenure.current())
            let driving = Driving(
                cluster: spec.cluster, epoch: try store.beginEpoch(run: runID), run: runID)
            try Rollouts(store).closeLeftovers(now: world.clock.now(), by: request.actor)
            let cloud = try await Cloud.connect(
                spec, environment: request.environment, project: project, world: world, say: say)
            let authority = try Authority.open(project, files: world.files)
            let downlinks = Downlinks(
                driving: driving, version: Release.version, store: store, clock: world.clock,
                log: log,
                renew: { node, request in
                    CertificateChain(
                        pem: try authority.issueAgent(
                            csrPEM: request.csrPEM, node: node, cluster: spec.cluster,
                            now: world.clock.now()))
                })
            let package = try PackageFile.find(spec, in: project, files: world.files)
            let stageRun = StageRun(
                cluster: spec, project: project, world: world, store: store,
                ledger: Ledger(store), driving: driving, downlinks: downlinks,
                access: KubernetesAccess(
                    downlinks: downlinks, cluster: spec.cluster, world: world,
                    folder: "\(project.state)/kube", log: log),
                cloud: cloud, package: package.announced, pin: authority.pin,
                options: request.options, log: log, say: say,
                show: { progress(.doing($0)) }, actor: request.actor)
            let result = try await tenure.hold {
                try await Reception.open(stageRun, authority: authority, package: package) {
                    try await body(
                        Driver(run: stageRun, children: children, progress: progress))
                }
            }
            await tenure.end()
            return result
        } catch {
            await tenure.end()
            throw error
        }
    }

    /// Runs the `install` recipe.
    ///
    /// Throws `stale`, with nothing done, if a person approved a plan and another one would be
    /// done; `conflict` if that has failed before, or was undone.
    public func up() async throws -> UpReport {
        try run.held(in: recipe)?.refuse()
        if let approved = run.options.approved { try await plan().require(approved) }
        return try await walk(Rollout.Goal(run.cluster))
    }

    /// As ``up()``, whatever has failed before.
    public func retry() async throws -> UpReport {
        let cleared = try HeldContents(store: run.store).clear { held in
            let names = Set(held.map { $0.stage?.rawValue ?? "the cluster file" })
            return run.event(
                "rollout/\(run.driving.run)", .started,
                "may be tried again: \(names.sorted().joined(separator: ", "))")
        }
        if cleared.isEmpty { progress(.line("nothing was held; going on as `jeeves up` does")) }
        return try await up()
    }

    /// Runs the `install` recipe for an earlier wish. This driver's cluster is the one that `way`
    /// leads to; the one that it comes from is held from now on.
    public func undo(_ way: Undo) async throws -> UpReport {
        try way.hold(in: recipe, run)
        return try await walk(Rollout.Goal(run.cluster, undoes: way.undone.id))
    }

    /// What of the wish that `checkpoint` reached cannot be told or brought back, because files
    /// that it names have changed.
    public func moved(since checkpoint: Rollout) throws -> [String] {
        try run.moved(since: checkpoint, in: recipe)
    }

    private func walk(_ goal: Rollout.Goal) async throws -> UpReport {
        progress(.line("rollout \(run.driving.run)"))
        let engine = Engine(
            recipe: recipe, run: run, goal: goal, children: children, progress: progress)
        let rollout = try await outlined(recipe) { try await engine.walk() }
        return UpReport(
            domain: run.cluster.domain, rollout: rollout,
            gate: try run.store.get(Gate.Verdict.self, .meta, Verify.verdictKey))
    }

    /// Points the domain at the first controller, wherever it is now.
    ///
    /// It is of use while no agent answers, and so does not need their word.
    public func syncRecord() async throws -> Rollout {
        try await run.awaitWord(mayBeSilent: true)
        let engine = Engine(
            recipe: Recipes.record, run: run, children: children, progress: progress)
        return try await outlined(engine.recipe) { try await engine.walk() }
    }

    /// What ``syncRecord()`` would change; changes nothing.
    public func planRecord() async throws -> [Change] {
        try await RecordStage(asksMachine: true).plan(run)
    }

    /// What `up` would change; changes nothing.
    public func plan() async throws -> Plan {
        if let held = try run.held(in: recipe) {
            progress(.line("note: `jeeves up` refuses this: \(held.reason)"))
        }
        let found = try await outlined(recipe, timed: false) {
            var found: [Plan.StagePlan] = []
            for stage in recipe {
                progress(.started(stage.name, at: run.world.clock.now()))
                found.append(Plan.StagePlan(stage: stage.name, changes: try await stage.plan(run)))
            }
            return found
        }
        return try Plan(of: run.cluster, contents: run.contents(of: recipe), stages: found)
    }

    /// Tells which stages follow, with what rollouts have taken for them if it is `timed`, and
    /// that none follows any more.
    private func outlined<Result: Sendable>(
        _ stages: [any Stage], timed: Bool = true, _ body: () async throws -> Result
    ) async throws -> Result {
        let earlier = timed ? try Rollouts(run.store).stages() : []
        progress(.outline(StageOutlook.of(stages, after: earlier)))
        do {
            let result = try await body()
            progress(.closed(isDone: true))
            return result
        } catch {
            progress(.closed(isDone: false))
            throw error
        }
    }

    /// Undoes the install recipe in reverse order; with agents that obey this state folder, or with
    /// none that answers.
    public func destroy() async throws -> [String] {
        var run = run
        run.errand = "destroy"
        let subject = "cluster/\(run.cluster.cluster)"
        try run.note(subject, .started)
        do {
            let (record, provision) = (RecordStage(), Provision())
            let clock = run.world.clock
            let lines = try await outlined([record, provision], timed: false) { [run] in
                _ = try await run.account()
                try await run.awaitWord(mayBeSilent: true)
                progress(.started(record.name, at: clock.now()))
                let line = "dns: \(try await record.destroy(run))"
                progress(.started(provision.name, at: clock.now()))
                return [line, "provision: \(try await provision.destroy(run))"]
            }
            try run.note(subject, .done, lines.joined(separator: "; "))
            return lines
        } catch {
            let isInterrupt = error is CancellationError
            try run.note(subject, isInterrupt ? .interrupted : .failed, "\(error)")
            throw error
        }
    }

    /// Waits until every machine's agent has reported, at most 45 seconds, looks at every layer,
    /// and says what there is.
    public func status() async throws -> ClusterStatus {
        _ = try await Enrol.missing(run.machines(), run, atMost: Enrol.redialMax)
        _ = try await LayersLook(run: run).look()
        return try ClusterStatus.read(
            run.cluster, store: run.store, connected: await run.downlinks.connected(),
            now: run.world.clock.now())
    }

    /// Keeps the links until the task is cancelled, which is how a service ends.
    public func serve() async throws {
        for node in try run.machines().sorted() {
            if let spec = try run.store.get(NodeSpec.self, .specs, node.rawValue) {
                await run.downlinks.assign(
                    spec.driven(by: run.driving, at: run.cluster.coordinator.addresses))
            }
        }
        progress(.line("listening on \(run.cluster.coordinator.listen)"))
        while !Task.isCancelled {
            // Verbs beside this coordinator use the way to the cluster that it keeps open, and show
            // what it saw.
            _ = try? await ClusterAccess.open(run)
            do {
                _ = try await LayersLook(run: run).look()
                // Since when each part is as it is, is known although nobody watches.
                try await remember()
            } catch {
                run.log.warning("look at the cluster not kept", metadata: ["reason": "\(error)"])
            }
            try? await run.world.clock.sleep(.seconds(60), op: "serve.idle")
        }
    }
}

extension NodeSpec {
    /// The same wish, sent by another driving start.
    func driven(by driving: Driving, at addresses: [String]) -> NodeSpec {
        NodeSpec(
            cluster: cluster, node: node, epoch: driving.epoch, run: driving.run,
            generation: generation, digest: digest, steps: steps, coordinators: addresses)
    }
}
