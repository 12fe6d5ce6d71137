import Model
import Outside
import Store
import Tools

/// Makes the machines: Terraform, driven by saved plans and event streams.
struct Provision: Stage {
    let name = StageName.provision
    static let limits = Limits(
        deadline: .seconds(45 * 60), grace: .seconds(120), outputBytesMax: 4 << 20)

    func plan(_ run: StageRun) async throws -> [Change] {
        try await run.awaitWord()
        try await prepare(run)
        let changes = try await detailed(
            planned(run, replacing: try await replaced(run)), run)
        let leavers = Leave.leavers(in: changes, of: try? run.infrastructure())
        return changes.map { change in
            let leaver = leavers.first { $0.node == change.machine }
            return Change(
                change.action, change.subject, detail: leaver?.detail ?? change.detail,
                effects: change.effects, diff: change.diff)
        }
    }

    func run(_ run: StageRun) async throws -> String {
        // With an old state folder it would make what is there already, and move Terraform's state.
        try await run.awaitWord()
        let hasOutputs = try await prepare(run)
        let replaced = try await replaced(run)
        try Departures(run.store).adopt(by: run.driving.run)
        let changes = try await planned(run, replacing: replaced)
        try PlannedLosses.refuse(
            changes, allowed: run.options.replace.union(leaving(run).map(\.node)))
        if PlannedLosses.controllersChanged(by: changes).count > 1 {
            try PlannedLosses.refuseStop(by: await detailed(changes, run))
        }
        // An apply that was killed behind its last resource has left the outputs to make.
        if changes.isEmpty, hasOutputs { return nothingToDo }
        let orphans = Orphans(run: run, terraform: terraform(run))
        for line in Orphans.lines(try await orphans.find()) {
            run.say("note: not in Terraform's state: \(line), or `terraform import` it")
        }
        let leavers = Leave.leavers(in: changes, of: try? run.infrastructure())
        try await Leave(run: run).seeOff(leavers, losing: changes)
        let summary = try await apply(run, changes: changes)
        try save(TerraformOutputs.infrastructure(try await outputs(run)), run)
        return summary
    }

    /// Nodes that Terraform shall make anew: those that a person named, and those that have left
    /// already and can only go. One that an earlier run of the same wish replaced is not among
    /// them.
    private func replaced(_ run: StageRun) async throws -> [NodeName: MicroK8sSpec.Role] {
        let departures = Departures(run.store)
        let known = try? run.infrastructure()
        func roles(_ nodes: some Sequence<NodeName>) -> [NodeName: MicroK8sSpec.Role] {
            let found = nodes.map { ($0, known?.machines[$0]?.role ?? .worker) }
            return Dictionary(uniqueKeysWithValues: found)
        }
        let named = try run.options.replace.filter { node in
            try known?.canLeave(node) == true && !departures.isReplaced(node)
        }
        let leaving = try leaving(run)
        guard !leaving.isEmpty else { return roles(named) }
        let state = try await run.world.processes.output(
            of: terraform(run).state(),
            limits: Limits(deadline: .seconds(120), outputBytesMax: 32 << 20),
            op: "terraform.state")
        let there = leaving.filter { state.contains("\"\($0.instanceID)\"") }
        return roles(named.union(there.map(\.node)))
    }

    /// Of those that can no longer stay.
    private func leaving(_ run: StageRun) throws -> [Departure] {
        try Departures(run.store).all().filter { $0.phase == .leaving }
    }

    /// With each attribute that changes, and what that means.
    private func detailed(_ changes: [Change], _ run: StageRun) async throws -> [Change] {
        guard changes.contains(where: { $0.action == .update || $0.action == .replace }) else {
            return changes
        }
        let shown = try await run.world.processes.output(
            of: terraform(run).show(),
            limits: Limits(deadline: .seconds(180), outputBytesMax: 32 << 20),
            op: "terraform.show")
        return try TerraformAttributes.detail(changes, from: shown)
    }

    /// Takes everything away again, proves it, and forgets the machines. Throws `conflict` with a
    /// command for each resource that is left.
    func destroy(_ run: StageRun) async throws -> String {
        try await prepare(run)
        let changes = try await planned(run, destroying: true, replacing: [:])
        let summary = changes.isEmpty ? nothingToDo : try await apply(run, changes: changes)
        try forget(run)
        try await proveEmpty(run)
        return summary
    }

    /// Machines that are made later under the same names owe nothing to what these were told, and
    /// no certificate of these speaks for them.
    private func forget(_ run: StageRun) throws {
        let machines = (try? run.infrastructure())?.machines ?? [:]
        let gone = machines.sorted { $0.key < $1.key }.map { node, machine in
            Departure(
                node: node, instanceID: machine.instanceID, at: run.world.clock.now(),
                phase: .gone, run: run.driving.run)
        }
        try Departures(run.store).begin(
            gone, gone.map { run.event("node/\($0.node)", .done, "\($0.instanceID) is gone") })
        let names = try [CollectionName.specs, .statuses].flatMap {
            try run.store.keys($0, prefix: "")
        }
        let nodes = Set(names).compactMap(NodeName.init(rawValue:))
        let keys = [StageRun.infrastructureKey, Routes.servingKey]
        try run.store.commit(
            [], keys.map { Write.delete(.meta, $0) } + nodes.flatMap(Departures.forgetting))
    }

    /// The account tells of what was just deleted for some seconds more.
    private func proveEmpty(_ run: StageRun) async throws {
        let orphans = Orphans(run: run, terraform: terraform(run))
        let clock = run.world.clock
        let end = clock.uptime() + .seconds(60)
        var left = try await orphans.find()
        while !left.isEmpty, clock.uptime() < end {
            try await clock.sleep(.seconds(3), op: "provision.empty")
            left = try await orphans.find()
        }
        guard left.isEmpty else {
            let lines = Orphans.lines(left).map { "\n  \($0)" }.joined()
            throw Failure(
                .conflict, "proving that nothing is left: these carry the cluster's tag\(lines)",
                fix: "delete them, then run `jeeves destroy` again")
        }
    }

    /// Copies the modules beside the state, writes the variables, and initialises the provider.
    /// Returns whether Terraform's state has its outputs.
    @discardableResult
    private func prepare(_ run: StageRun) async throws -> Bool {
        // A Terraform that an earlier run left behind holds the state's lock.
        for op: Op in ["terraform.plan", "terraform.apply"] {
            try await run.settle(op, deadline: Self.limits.deadline)
        }
        let files = run.world.files
        try files.makeDirectory(run.project.terraform, mode: 0o700, op: "terraform.folder")
        try Assets.copy("Terraform", to: run.project.terraform, files: files)
        let variables = TerraformVariables(run.cluster, pin: run.pin, package: run.package)
        let path = "\(run.project.terraform)/terraform.tfvars.json"
        let wanted = try JSON.encode(variables, pretty: true)
        if try files.readIfThere(path) != wanted {
            try files.replace(path, with: wanted, mode: 0o600, op: "terraform.variables")
        }
        let state = StateMove(run)
        let way = try await state.prepare()
        let initialised = try await run.world.processes.run(
            terraform(run).initialize(way), limits: Limits(deadline: .seconds(600)),
            op: "terraform.init")
        guard initialised.succeeded else {
            throw Failure(
                .failed, "preparing Terraform: \(initialised.sentence)",
                fix: "run `terraform -chdir=\(run.project.terraform) init` to see all of it")
        }
        if way == .moving {
            try run.note("effect/terraform.init", .done, "state moved to \(state.wanted)")
        }
        // A state in S3 may know of machines that another state folder made; who goes must be known
        // to be emptied. A state of which nothing was applied whole has no outputs.
        let text = try await outputs(run)
        guard let found = try? TerraformOutputs.infrastructure(text) else { return false }
        try save(found, run)
        return true
    }

    private func planned(
        _ run: StageRun, destroying: Bool = false, replacing: [NodeName: MicroK8sSpec.Role]
    ) async throws -> [Change] {
        let seen = TerraformLog()
        let finished = try await run.effect(
            terraform(run).plan(destroying: destroying, replacing: replacing), stage: name,
            limits: Self.limits,
            op: "terraform.plan", isReading: true, line: { seen.note($0) })
        guard finished.succeeded else { throw seen.failure("planning", finished) }
        return seen.changes()
    }

    private func apply(_ run: StageRun, changes: [Change]) async throws -> String {
        let count = "\(changes.count) change\(changes.count == 1 ? "" : "s")"
        run.say("terraform: \(count), usually 1 to 3 minutes")
        let seen = TerraformLog(applying: changes) { run.tell($0) }
        let finished = try await run.effect(
            terraform(run).apply(), stage: name, limits: Self.limits, op: "terraform.apply",
            line: { seen.note($0) })
        guard finished.succeeded else { throw seen.failure("applying the plan", finished) }
        return seen.summary()
    }

    private func outputs(_ run: StageRun) async throws -> String {
        try await run.world.processes.output(
            of: terraform(run).output(), limits: Limits(deadline: .seconds(120)),
            op: "terraform.output")
    }

    private func save(_ found: Infrastructure, _ run: StageRun) throws {
        if try run.store.get(Infrastructure.self, .meta, StageRun.infrastructureKey) != found {
            try run.store.put(.meta, StageRun.infrastructureKey, found)
        }
    }

    func terraform(_ run: StageRun) -> Terraform {
        Terraform(
            folder: run.project.terraform, environment: run.cloud.childEnvironment,
            secrets: run.cloud.childSecrets)
    }
}
