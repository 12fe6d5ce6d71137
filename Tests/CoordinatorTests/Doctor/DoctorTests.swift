import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// The doctor in a whole estate.
@Suite struct DoctorTests {
    /// A cluster that serves, made by the recipe's own stages.
    private func withLive(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await prepare(estate)
            try await body(estate)
        }
    }

    private func prepare(_ estate: Estate) async throws {
        try await estate.run(upTo: .workers)
        estate.cluster.change { $0.drains = [] }
        estate.fake.forgetOps()
    }

    private func examine(_ estate: Estate) async throws -> Examination {
        var found: Examination?
        try await estate.drive { run in
            found = try await Doctor(run: run, recipe: estate.recipe()).examine()
        }
        return try #require(found)
    }

    /// As `jeeves doctor --fix --yes`.
    @discardableResult
    private func mend(_ estate: Estate) async throws -> Examination {
        var left: Examination?
        try await estate.drive { run in
            let doctor = Doctor(run: run, recipe: estate.recipe())
            left = try await doctor.mend(doctor.examine())
        }
        return try #require(left)
    }

    private func addStale(_ estate: Estate) {
        estate.cluster.change { state in
            state.admit("worker-9")
            state.unready.insert("worker-9")
        }
    }

    private func forget(_ estate: Estate) {
        estate.cluster.change { state in
            state.closed = ["worker-1"]
            state.marked = ["worker-1"]
        }
    }

    /// Of the doctor's own events on nodes: subject, outcome.
    private func events(_ estate: Estate) throws -> [String] {
        try estate.store.events(from: 0).events.filter {
            $0.cause == "doctor" && $0.subject.hasPrefix("node/")
        }.map { "\($0.subject) \($0.outcome.rawValue)" }
    }

    @Test("a healthy cluster has no findings, and nothing is written but the way to it")
    func healthy() async throws {
        try await withLive { estate in
            let before = try estate.store.events(from: 0).events.count
            let found = try await examine(estate)
            #expect(found.findings.isEmpty)
            let counts = "machines 2, instances 2, agents 2, members 2"
            #expect(found.compared.description == counts)
            #expect(try estate.store.events(from: 0).events.count == before)
            #expect(estate.cluster.look(\.drains).isEmpty)
            let reads: Set<Op> = [
                "kubeconfig.folder", "kubeconfig.replace", "kubeconfig.remove", "kubectl.nodes",
                "terraform.state",
            ]
            #expect(Set(estate.fake.ops).isSubset(of: reads), "\(estate.fake.ops)")
        }
    }

    @Test("a stale member is found, removed by --fix with events, and not found again")
    func stale() async throws {
        try await withLive { estate in
            addStale(estate)
            let found = try await examine(estate)
            #expect(found.findings.map(\.rule) == [.memberStale])
            #expect(estate.cluster.look(\.drains).isEmpty, "a look only reads")
            let left = try await mend(estate)
            #expect(left.findings.isEmpty)
            #expect(left.fixed == ["removed worker-9 from Kubernetes' members"])
            #expect(estate.cluster.look(\.drains) == ["remove worker-9"])
            #expect(try events(estate) == ["node/worker-9 started", "node/worker-9 done"])
            #expect(try await examine(estate).findings.isEmpty)
        }
    }

    @Test("a forgotten drain is found, opened by --fix with events, and not found again")
    func forgotten() async throws {
        try await withLive { estate in
            forget(estate)
            let found = try await examine(estate)
            #expect(found.findings.map(\.rule) == [.drainForgotten])
            let left = try await mend(estate)
            #expect(left.findings.isEmpty)
            #expect(left.fixed == ["opened worker-1 to pods"])
            #expect(estate.cluster.look(\.drains) == ["open worker-1"])
            #expect(estate.cluster.look(\.marked).isEmpty)
            #expect(try events(estate) == ["node/worker-1 started", "node/worker-1 done"])
        }
    }

    @Test("killed after any of its effects, --fix ends with both mended once")
    func crashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await prepare(estate)
                    addStale(estate)
                    forget(estate)
                    return estate.fake
                },
                run: { _ in try await mend(estate) },
                verify: { _ in
                    #expect(estate.cluster.look(\.members) == ["controller-1", "worker-1"])
                    #expect(estate.cluster.look(\.closed).isEmpty)
                    #expect(estate.cluster.look(\.drains).count == 2)
                    let open = try Ledger(estate.store).open()
                    #expect(open.isEmpty)
                    let left = try await examine(estate)
                    #expect(left.findings.isEmpty)
                })
        }
    }

    @Test("an agent that is away is told, and --fix does nothing about it")
    func away() async throws {
        try await withLive { estate in
            estate.agents.change { $0.silent = [worker1] }
            let found = try await examine(estate)
            #expect(found.findings.map(\.rule) == [.agentAway])
            #expect(found.findings.map(\.subject) == ["node/worker-1"])
            #expect(found.compared.agents == 1)
            let left = try await mend(estate)
            #expect(left.findings.map(\.rule) == [.agentAway])
            #expect(left.fixed.isEmpty)
            #expect(try events(estate).isEmpty)
        }
    }

    @Test("without a controller and without AWS it says what it does not know")
    func blind() async throws {
        try await withLive { estate in
            estate.agents.change { $0.silent = [controller1] }
            estate.account.change { $0.refusal = (503, "Unavailable", "try later") }
            let found = try await examine(estate)
            let unknown = found.findings.filter(\.isUnknown).map(\.subject)
            #expect(unknown == ["aws/instances", "haproxy/controller-1", "kubernetes/members"])
            let counts = "machines 2, instances unknown, agents 1, members unknown"
            #expect(found.compared.description == counts)
            #expect(found.remedies.isEmpty)
        }
    }

    @Test("what a person agreed to is done only if it is still so")
    func changed() async throws {
        try await withLive { estate in
            addStale(estate)
            try await estate.drive { run in
                let doctor = Doctor(run: run, recipe: estate.recipe())
                let found = try await doctor.examine()
                // It comes back while the person reads.
                estate.cluster.change { $0.admit("worker-9") }
                let left = try await doctor.mend(found)
                #expect(left.findings.map(\.rule) == [.memberUnknown])
                #expect(left.fixed.isEmpty)
            }
            #expect(estate.cluster.look(\.drains).isEmpty)
        }
    }

    @Test("a machine that was ended by hand is told, and so is what Terraform does not know")
    func machines() async throws {
        try await withLive { estate in
            let lost = try #require(try estate.infrastructure()?.machines[worker1]?.instanceID)
            estate.account.change { state in
                state.resources = state.resources.map { resource in
                    var resource = resource
                    if resource.id == lost { resource.isTerminated = true }
                    return resource
                }
                state.resources.append(.init(id: "i-stray", kind: "instance"))
            }
            let found = try await examine(estate)
            #expect(found.findings.map(\.rule) == [.machineDown, .orphan])
            #expect(found.findings.last?.subject == "instance/i-stray")
            #expect(found.remedies.isEmpty)
        }
    }

    @Test("an API server that refuses the removal leaves the reason and an event")
    func refused() async throws {
        try await withLive { estate in
            addStale(estate)
            estate.fake.fail(
                "member.remove", with: Failure(.unavailable, "dqlite has no leader"), times: 1)
            await #expect(throws: Failure.self) { try await mend(estate) }
            let told = try events(estate)
            #expect(told == ["node/worker-9 started", "node/worker-9 failed"])
            let left = try await mend(estate)
            #expect(left.findings.isEmpty)
        }
    }
}
