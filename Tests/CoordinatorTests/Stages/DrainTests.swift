import Model
import Support
import Testing

@testable import Coordinator

@Suite struct DrainTests {
    private static let newer = ("channel: 1.34/stable", "channel: 1.35/stable")

    private func withWorker(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers)
            estate.agents.change { $0.story = [] }
            estate.cluster.change { $0.drains = [] }
            try await body(estate)
        }
    }

    @Test("a budget that keeps a pod ends the run before anything changed, and the node is open")
    func budget() async throws {
        try await withWorker { estate in
            estate.cluster.change {
                $0.drainError = """
                    error when evicting pods/"nats-0" -n "chat" (will retry after 5s): Cannot evict \
                    pod as it would violate the pod's disruption budget.
                    error: unable to drain node "worker-1": global timeout reached: 5m0s
                    """
            }
            try await estate.stops(
                Workers(), edits: [Self.newer],
                Sentence(
                    .conflict,
                    "draining worker-1: not empty after 5m 00s: their disruption budgets keep "
                        + "chat/nats-0",
                    fix: "get poddisruptionbudgets --all-namespaces"))
            #expect(
                estate.cluster.look(\.drains) == [
                    "close worker-1", "drain worker-1", "open worker-1",
                ]
            )
            #expect(estate.agents.look(\.story).isEmpty)
            estate.cluster.change { $0.drainError = nil }
            #expect(try await estate.says(Workers(), edits: [Self.newer]) == "1 changed")
        }
    }

    @Test("a pod that two budgets select is named, and with it the way to take ours away")
    func doubled() async throws {
        try await withWorker { estate in
            estate.cluster.change {
                $0.drainError = """
                    error when evicting pods/"chat-0" -n "chat": This pod has more than one \
                    PodDisruptionBudget, which the eviction subresource does not support.
                    """
            }
            try await estate.stops(
                Workers(), edits: [Self.newer],
                Sentence(
                    .conflict, "no pod that two disruption budgets select: chat/chat-0",
                    fix: "--selector=app.kubernetes.io/managed-by=jeeves"))
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }

    @Test("a control plane that does not answer before anything changed is nobody's fault")
    func noWayIn() async throws {
        try await withWorker { estate in
            let sentence = Sentence(
                .unavailable, "batch 1 of 1 (worker-1): ",
                fix: "once that answers again, `jeeves up` goes on here")
            let controller = NodeName(unchecked: "controller-1")
            estate.agents.change { $0.silent = [controller] }
            try await estate.stops(Workers(), edits: [Self.newer], sentence)
            estate.agents.change { $0.silent = [] }
            estate.cluster.change { $0.outages = 1_000 }
            try await estate.stops(Workers(), edits: [Self.newer], sentence)
            estate.cluster.change { $0.outages = 0 }
            #expect(estate.agents.look(\.story).isEmpty)
            #expect(try await estate.says(Workers(), edits: [Self.newer]) == "1 changed")
        }
    }

    @Test("a pod that nothing would start elsewhere is named and not deleted")
    func orphan() async throws {
        try await withWorker { estate in
            estate.cluster.change {
                $0.drainError = """
                    error: unable to drain node "worker-1" due to error: cannot delete Pods that \
                    declare no controller (use --force to override): chat/shell, continuing
                    """
            }
            try await estate.stops(
                Workers(), edits: [Self.newer],
                Sentence(
                    .conflict, "draining worker-1: nothing would start chat/shell", fix: "delete"))
            #expect(estate.cluster.look(\.closed).isEmpty)
        }
    }

    @Test("a node that a person closed is drained and stays closed")
    func closedByPerson() async throws {
        try await withWorker { estate in
            estate.cluster.change { $0.closed = ["worker-1"] }
            let said = try await estate.says(Workers(), edits: [Self.newer])
            #expect(said == "1 changed")
            #expect(estate.cluster.look(\.drains) == ["drain worker-1"])
            #expect(estate.cluster.look(\.closed) == ["worker-1"])
        }
    }

    @Test("a node that is down is not waited for to be empty")
    func down() async throws {
        try await withWorker { estate in
            estate.cluster.change { $0.unready = ["worker-1"] }
            try await estate.drive(edits: [Self.newer]) { run in
                try await Drain(cluster: ClusterAccess.open(run))
                    .empty(NodeName(unchecked: "worker-1"))
            }
            #expect(estate.cluster.look(\.drains) == ["close worker-1"])
        }
    }

    @Test("a change that does not stop pods drains nobody")
    func notNeeded() throws {
        func spec(
            _ channel: String, packages: [String], addons: [String] = []
        ) -> NodeSpec {
            NodeSpec(
                cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"),
                epoch: 1, run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1,
                digest: Digest(unchecked: String(repeating: "0", count: 64)),
                steps: [
                    StepSpec(
                        id: StepID(unchecked: "packages"),
                        body: .packages(PackagesSpec(names: packages))),
                    StepSpec(
                        id: StepID(unchecked: "microk8s"),
                        body: .microk8s(
                            MicroK8sSpec(role: .worker, channel: channel, addons: addons))),
                ])
        }
        let old = spec("1.34/stable", packages: ["a"])
        #expect(!Drain.isNeeded(from: nil, to: old))
        #expect(!Drain.isNeeded(from: old, to: spec("1.34/stable", packages: ["b"])))
        #expect(
            !Drain.isNeeded(from: old, to: spec("1.34/stable", packages: ["a"], addons: ["rbac"])))
        #expect(Drain.isNeeded(from: old, to: spec("1.35/stable", packages: ["a"])))
    }
}
