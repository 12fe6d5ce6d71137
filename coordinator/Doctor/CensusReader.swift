import AWS
import Model
import Outside
import Store
import Tools

/// Asks everybody whom `jeeves doctor` compares. Reads only; who does not answer is a failure in
/// the census, and no gap in it.
struct CensusReader: Sendable {
    let run: StageRun
    let recipe: [any Stage]

    /// Gives the agents `patience` to connect.
    func read(patience: Duration = Enrol.redialMax) async throws -> Census {
        var census = Census(now: run.world.clock.now(), version: run.downlinks.version)
        let infrastructure = try run.store.get(
            Infrastructure.self, .meta, StageRun.infrastructureKey)
        census.infrastructure = infrastructure
        let machines = Set((infrastructure?.machines ?? [:]).keys)
        _ = try await Enrol.missing(machines, run, atMost: patience)
        census.connected = await run.downlinks.connected()
        census.instances = try await answer("asking EC2 for the cluster's instances") {
            try await run.cloud.ec2.instances(of: run.cluster.cluster)
        }
        census.orphans = try await answer("comparing EC2 with Terraform's state", orphans)
        if infrastructure != nil {
            census.members = try await answer("asking Kubernetes for its members") {
                try await members(census.connected)
            }
        }
        try readStore(&census)
        return census
    }

    private func readStore(_ census: inout Census) throws {
        let rollout = try Rollouts(run.store).last()
        census.rollout = rollout
        census.wanted = names(of: run.cluster)
        if let goal = rollout?.goal { census.wanted.formUnion(names(of: goal.cluster)) }
        for status in try run.store.list(NodeStatus.self, .statuses) {
            census.statuses[status.node] = status
        }
        census.revoked = try Revocations(run.store).all()
        census.departures = try Departures(run.store).all()
        census.held = try HeldContents(store: run.store).all()
        do { census.refusal = .success(try run.held(in: recipe)) } catch let failure as Failure {
            census.refusal = .failure(failure)
        }
        // What was heard meanwhile is not from the future.
        census.now = run.world.clock.now()
    }

    private func names(of cluster: ClusterSpec) -> Set<String> {
        TerraformVariables(cluster, pin: run.pin, package: run.package).names
    }

    /// While a Terraform that was left behind still works, what it makes is not in its state yet.
    private func orphans() async throws -> [EC2.Tagged] {
        let left = try run.ledger.open(op: "terraform.apply").compactMap(\.child).first {
            run.world.processes.isAlive($0)
        }
        if let left {
            throw Failure(
                .unavailable, "the Terraform of an earlier run still works (pid \(left.pid))",
                fix: "run `jeeves up`, which waits for it")
        }
        return try await Orphans(run: run, terraform: Provision().terraform(run)).find()
    }

    private func members(_ connected: Set<NodeName>) async throws -> [Kubectl.Member] {
        let controllers = try run.controlPlane()
        guard !connected.isDisjoint(with: controllers) else {
            throw Failure(.unavailable, "no controller is connected")
        }
        return try await ClusterAccess.open(run).members()
    }

    private func answer<Value: Sendable>(
        _ tried: String, _ ask: () async throws -> Value
    ) async throws -> Result<Value, Failure> {
        do { return .success(try await ask()) } catch {
            try Task.checkCancellation()
            return .failure(Failure(error, trying: tried))
        }
    }
}
