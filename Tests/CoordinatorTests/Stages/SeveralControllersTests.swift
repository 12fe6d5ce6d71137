import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// Three controllers with one control plane, and a worker.
@Suite struct SeveralControllersTests {
    static let three = (
        "controllers:\n    # 1, 3 or 5.\n    count: 1", "controllers:\n    count: 3"
    )
    private static let changed = [three, ("channel: 1.34/stable", "channel: 1.35/stable")]
    static let controllers = ["controller-1", "controller-2", "controller-3"]
    static let all = controllers + ["worker-1"]
    static let joins = [
        "controller-2 through controller-1", "controller-3 through controller-1",
    ]

    func name(_ node: String) -> NodeName { NodeName(unchecked: node) }

    func prepare(_ estate: Estate) async throws {
        try await estate.run(upTo: .workers, edits: [Self.three])
        estate.agents.change { ($0.story, $0.joins, $0.removers) = ([], [], []) }
        estate.cluster.change { $0.drains = [] }
        estate.fake.forgetOps()
    }

    /// Estates whose controllers and worker serve, with nothing told so far.
    func withThree(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await prepare(estate)
            try await body(estate)
        }
    }

    func go(
        _ estate: Estate, replacing names: String..., edits: [(String, String)] = [three]
    ) async throws {
        let options = RolloutOptions(replace: Set(names.map(name)))
        try await estate.drive(edits: edits, options: options) { run in
            _ = try await Engine(
                recipe: estate.recipe(upTo: .workers), run: run, children: ChildTime(),
                progress: { _ in }
            ).walk()
        }
    }

    /// What is told of controllers that change one after another.
    func story(_ nodes: [String] = controllers) -> [String] {
        nodes.flatMap { node in
            let steps =
                node == "controller-1"
                ? ["packages", "haproxy", "certificate", "microk8s"]
                : ["packages", "microk8s", "join"]
            return ["\(node) gets 2"] + steps.map { "\(node)/\($0)" }
        }
    }

    func instance(_ node: String, _ estate: Estate) throws -> String? {
        try estate.infrastructure()?.machines[name(node)]?.instanceID
    }

    // MARK: Installing

    @Test("the first is right before another joins, one after another, and then the workers")
    func install() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers, edits: [Self.three])
            #expect(estate.cluster.look(\.members) == Self.all)
            #expect(estate.agents.look(\.joins) == Self.joins + ["worker-1 through controller-1"])
            let applied = estate.agents.look(\.applied)
            let order = ["controller-1/microk8s", "controller-2/join", "controller-3/join"].map {
                applied.firstIndex(of: $0) ?? .max
            }
            #expect(order == order.sorted())
            #expect(order.last != .max)
            let edges = estate.agents.look(\.agents).filter { _, agent in
                agent.spec?.steps.contains { $0.body.kind == "haproxy" } == true
            }
            #expect(edges.keys.map(\.rawValue) == ["controller-1"])
            let again = try await estate.says(estate.controllers, edits: [Self.three])
            #expect(again == nothingToDo)
            #expect(try await estate.plans(Controllers(), edits: [Self.three]).isEmpty)
        }
    }

    @Test("killed after any of its effects, an installation ends with each controller joined once")
    func installCrashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await estate.run(upTo: .dns, edits: [Self.three])
                    return estate.fake
                },
                run: { _ in
                    try await estate.drive(edits: [Self.three]) {
                        _ = try await Controllers().run($0)
                    }
                },
                verify: { _ in
                    #expect(estate.cluster.look(\.members) == Self.controllers)
                    #expect(estate.agents.look(\.joins) == Self.joins)
                })
        }
    }

    @Test("two more beside one that serves join it, and it is not touched")
    func grow() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers)
            estate.agents.change { ($0.story, $0.joins) = ([], []) }
            try await estate.run(upTo: .workers, edits: [Self.three])
            #expect(estate.agents.look(\.joins) == Self.joins)
            let touched = estate.agents.look(\.story).filter { $0.hasPrefix("controller-1") }
            #expect(touched.isEmpty)
            let worker = estate.agents.look { $0.agents[NodeName(unchecked: "worker-1")]?.spec }
            #expect(worker?.join?.others == ["10.42.0.11", "10.42.0.12"])
        }
    }

    // MARK: The way in

    @Test("while the first controller is away, the cluster is asked through another one")
    func otherWay() async throws {
        try await withThree { estate in
            estate.agents.change { $0.silent = [NodeName(unchecked: "controller-1")] }
            try await estate.drive(edits: [Self.three]) { run in
                let members = try await ClusterAccess.open(run).members()
                #expect(members.map(\.name) == Self.all)
                let way = try await ClusterAccess.ifReachable(run)
                #expect(way != nil)
            }
        }
    }

    @Test("a controller that has not joined yet is never asked about the cluster")
    func strangers() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .workers)
            try await estate.run(upTo: .provision, edits: [Self.three])
            estate.agents.change { $0.silent = [NodeName(unchecked: "controller-1")] }
            try await estate.drive(edits: [Self.three]) { run in
                let sentence = Sentence(
                    .timeout, "waiting for controller-1 to connect", fix: "jeeves status")
                await sentence.check { try await ClusterAccess.open(run) }
                let way = try await ClusterAccess.ifReachable(run)
                #expect(way == nil)
            }
        }
    }
}

/// MicroK8s' channel changes.
extension SeveralControllersTests {
    @Test("controllers change one after another, each ready and stable before the next")
    func upgrade() async throws {
        try await withThree { estate in
            let start = estate.fake.clock.uptime()
            let said = try await estate.says(estate.controllers, edits: Self.changed)
            #expect(said == "3 changed")
            #expect(estate.agents.look(\.story) == story())
            #expect(estate.fake.clock.uptime() - start >= .seconds(90), "three windows")
        }
    }

    @Test("beside one that the control plane does not call ready none is touched")
    func notReady() async throws {
        try await withThree { estate in
            estate.cluster.change { $0.unready = ["controller-3"] }
            try await estate.stops(
                estate.controllers, edits: Self.changed,
                Sentence(
                    .unavailable, "batch 1 of 3 (controller-1): changing controller-1: ",
                    "controller-3 is not ready", "untouched: controller-2, controller-3",
                    fix: "jeeves up --replace controller-3"))
            #expect(estate.agents.look(\.story).isEmpty)
        }
    }

    @Test("beside one that is down none is touched, and it is named")
    func down() async throws {
        try await withThree { estate in
            estate.agents.change { $0.silent = [NodeName(unchecked: "controller-3")] }
            try await estate.stops(
                estate.controllers, edits: Self.changed,
                Sentence(
                    .timeout, "batch 1 of 3 (controller-3): waiting for controller-3",
                    "untouched: controller-1, controller-2", fix: "jeeves status"))
            #expect(estate.agents.look(\.story).isEmpty)
        }
    }

    @Test("one that goes down on the way stops the rollout before the next one")
    func goesDown() async throws {
        try await withThree { estate in
            estate.after(waits: 20) {
                await estate.agents.fall(NodeName(unchecked: "controller-3"))
            }
            try await estate.stops(
                estate.controllers, edits: Self.changed,
                Sentence(
                    .failed, "batch 2 of 3 (controller-2): watching controller-3",
                    "its agent does not report", fix: "journalctl -u jeeves-agent"))
            #expect(estate.agents.look(\.story) == story(["controller-1"]))
        }
    }

    @Test("one that the control plane no longer calls ready after its change stops the rollout")
    func unreadyInWindow() async throws {
        try await withThree { estate in
            estate.when(said: "controller-1: microk8s right") {
                estate.cluster.change { $0.unready = ["controller-1"] }
            }
            try await estate.stops(
                estate.controllers, edits: Self.changed,
                Sentence(
                    .failed, "watching controller-1: the control plane does not call it ready",
                    fix: "describe node controller-1"))
            #expect(estate.agents.look(\.story) == story(["controller-1"]))
        }
    }

    @Test("killed after any of its effects, it ends with every controller changed once")
    func upgradeCrashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await prepare(estate)
                    return estate.fake
                },
                run: { _ in _ = try await estate.says(estate.controllers, edits: Self.changed) },
                verify: { _ in #expect(estate.agents.look(\.story) == story()) })
        }
    }

    @Test(
        "killed at any of its waits, the next one goes on with the same batches", arguments: 1...8)
    func upgradeKilled(part: Int) async throws {
        try await withThree { estate in
            estate.killWaiting(after: part * 13)
            // The second one may be killed at the other wait.
            for _ in 0..<2 { _ = try? await estate.says(estate.controllers, edits: Self.changed) }
            estate.spareWaiting()
            _ = try await estate.says(estate.controllers, edits: Self.changed)
            #expect(estate.agents.look(\.story) == story())
        }
    }
}
