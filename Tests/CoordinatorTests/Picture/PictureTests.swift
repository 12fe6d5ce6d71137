import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator
@testable import Tools

/// What each part of the picture says in which situation.
@Suite struct PictureTests {
    private func picture(_ known: Knowledge) -> Picture { Picture(known) }

    /// Parts that are not right, with their states.
    private func troubles(_ known: Knowledge) -> [String: Picture.State] {
        let parts = Picture(known).parts.filter { $0.state != .right }
        return Dictionary(
            parts.map { ($0.id.description, $0.state) }, uniquingKeysWith: { first, _ in first })
    }

    @Test("where all is well every part is right, says why, and asks for nothing")
    func healthy() {
        let picture = Picture(.healthy())
        #expect(troubles(.healthy()) == [:])
        #expect(picture.parts.allSatisfy { !$0.why.isEmpty && $0.next.isEmpty })
        #expect(
            picture.parts.map(\.id.description) == [
                "chat", "record", "address/controller-1", "haproxy/controller-1",
                "certificate/controller-1", "ingress", "app", "service/chat-ddp-streamer",
                "service/nats", "api", "node/controller-1", "node/worker-1", "node/worker-2",
                "agent/controller-1", "agent/worker-1", "agent/worker-2", "rollout", "stage/app",
            ])
    }

    @Test("every part stands only on parts that are there, and ids are not there twice")
    func whole() {
        let parts = Picture(.healthy()).parts
        let ids = Set(parts.map(\.id))
        #expect(ids.count == parts.count)
        #expect(parts.allSatisfy { ids.isSuperset(of: $0.needs) })
        let single: Set<Picture.Kind> = [.chat, .record, .ingress, .app, .api, .rollout]
        #expect(parts.allSatisfy { single.contains($0.id.kind) == $0.id.name.isEmpty })
    }

    @Test(
        "each layer is one part",
        arguments: [
            ("edge", "chat"), ("dns", "record"), ("ingress", "ingress"), ("app", "app"),
            ("cluster", "api"),
        ])
    func layers(layer: String, part: String) {
        #expect(troubles(Knowledge.healthy().with(layers: [layer: .wrong])) == [part: .wrong])
        #expect(troubles(Knowledge.healthy().with(layers: [layer: .unknown])) == [part: .unknown])
    }

    @Test("what was looked at long ago is unknown, and the last look is told")
    func staleLook() {
        let known = Knowledge.healthy().with(lookedAt: FakeWorld.start.addingTimeInterval(-600))
        let found = troubles(known)
        #expect(found.count == 5)
        #expect(found.values.allSatisfy { $0 == .unknown })
        #expect(
            Picture(known)[PartID(.chat)]?.why == "looked at 11m ago; it was right then")
    }

    @Test("what a running rollout is making right is changing, what a step failed at is wrong")
    func changing() {
        let rollout = Rollout.settled(.running)
        let failed = StepState.failed(
            Failure(.failed, "installing: exit 1", fix: "free some space"))
        let known = Knowledge.healthy().with(
            layers: ["app": .wrong, "dns": .wrong],
            nodes: [
                .of(worker1, .worker, .of(worker1, steps: ["microk8s"], state: failed)),
                .of(
                    worker2, .worker,
                    .of(worker2, steps: ["microk8s"], state: .converging(attempt: 2))),
            ], rollout: rollout)
        #expect(
            troubles(known) == [
                "app": .changing, "record": .wrong, "node/worker-1": .wrong,
                "node/worker-2": .changing, "rollout": .changing, "stage/app": .changing,
            ])
        let picture = Picture(known)
        #expect(picture[PartID(.node, worker1)]?.why == "microk8s: installing: exit 1")
        #expect(picture[PartID(.node, worker1)]?.next == "free some space")
        #expect(picture[PartID(.node, worker2)]?.why == "microk8s try 2")
    }

    @Test("what somebody changed is made right by `jeeves up`, on a node and at HAProxy")
    func drift() {
        let drifted = StepState.drifted(Drift(.missing))
        let known = Knowledge.healthy().with(
            nodes: [
                .of(controller1, .controller, .of(controller1, steps: ["haproxy"], state: drifted)),
                .of(worker1, .worker, .of(worker1, steps: ["packages"], state: drifted)),
            ])
        let picture = Picture(known)
        for id in [PartID(.haproxy, controller1), PartID(.node, worker1)] {
            #expect(picture[id]?.state == .wrong)
            #expect(picture[id]?.next == "jeeves up")
        }
    }

    @Test("an agent that is away or silent leaves its node, HAProxy and certificate unknown")
    func away() {
        var known = Knowledge.healthy()
        known.links = [worker1, worker2]
        let expected: [String: Picture.State] = [
            "agent/controller-1": .wrong, "node/controller-1": .unknown,
            "haproxy/controller-1": .unknown, "certificate/controller-1": .unknown,
        ]
        #expect(troubles(known) == expected)
        let since = Picture(known)[PartID(.agent, controller1)]?.since
        #expect(since == FakeWorld.start, "the last word is the moment")
        let old = NodeStatus.of(worker1, steps: ["join"], secondsAgo: 121)
        let silent = Knowledge.healthy().with(nodes: [.of(worker1, .worker, old)])
        #expect(troubles(silent) == ["agent/worker-1": .wrong, "node/worker-1": .unknown])
    }

    @Test("beside the coordinator that has the links, the age of a node's word tells")
    func beside() {
        var known = Knowledge.healthy()
        known.links = nil
        #expect(troubles(known) == [:])
    }

    @Test("a certificate is judged by the clock, also while its agent is away")
    func certificate() {
        var known = Knowledge.healthy()
        known.links = []
        let id = PartID(.certificate, controller1)
        #expect(
            Picture(known)[id]?.why
                == "61 days left, until 2026-03-04T00:00:00Z, by the last word of its agent")
        let late = Knowledge(
            status: known.status, links: [],
            now: FakeWorld.start.addingTimeInterval(63 * 86_400))
        #expect(Picture(late)[id]?.state == .wrong)
        #expect(Picture(late)[id]?.why == "expired at 2026-03-04T00:00:00Z")
    }

    @Test("a revoked node, a refused spec and a disk that is full are told with their words")
    func words() {
        var known = Knowledge.healthy().with(
            nodes: [
                .of(
                    worker1, .worker,
                    .of(worker1, steps: ["join"], refused: Failure(.conflict, "a newer epoch"))),
                .of(controller1, .controller, nil, revoked: true),
            ])
        known.sight?.members?[2].troubles = ["DiskPressure: kubelet has disk pressure"]
        let picture = Picture(known)
        #expect(picture[PartID(.agent, worker1)]?.why == "it refuses its spec: a newer epoch")
        #expect(picture[PartID(.agent, controller1)]?.why == "it has been revoked")
        #expect(
            picture[PartID(.node, worker2)]?.why == "DiskPressure: kubelet has disk pressure")
        #expect(
            picture[PartID(.node, worker2)]?.next == "jeeves kubectl -- describe node worker-2")
    }

    @Test(
        "how a rollout ended is told with what goes on",
        arguments: [
            (Rollout.State.done, Picture.State.right, ""),
            (.running, .changing, "jeeves rollout watch"),
            (.paused, .changing, "jeeves rollout resume"), (.failed, .wrong, "jeeves up"),
            (.interrupted, .wrong, "jeeves up"), (.aborted, .wrong, "jeeves up"),
        ])
    func rollouts(state: Rollout.State, expected: Picture.State, next: String) {
        let part = Picture(Knowledge.healthy().with(rollout: .settled(state)))[PartID(.rollout)]
        #expect(part?.state == expected)
        #expect(part?.next == next)
    }
}

/// Since when.
@Suite struct PictureMemoryTests {
    private func picture(_ wrong: Bool, minutes: Double) -> Picture {
        let known = Knowledge.healthy().with(layers: wrong ? ["dns": .wrong] : [:])
        var picture = Picture(known)
        picture = Picture(
            cluster: picture.cluster, domain: picture.domain,
            at: FakeWorld.start.addingTimeInterval(minutes * 60), parts: picture.parts)
        return picture
    }

    @Test("a part keeps its moment until its state changes, and gone parts are forgotten")
    func since() {
        var memory = PictureMemory()
        let record = PartID(.record)
        #expect(memory.date(picture(false, minutes: 0))[record]?.since == FakeWorld.start)
        #expect(memory.date(picture(false, minutes: 5))[record]?.since == FakeWorld.start)
        let fell = FakeWorld.start.addingTimeInterval(600)
        #expect(memory.date(picture(true, minutes: 10))[record]?.since == fell)
        #expect(memory.date(picture(true, minutes: 15))[record]?.since == fell)
        var smaller = picture(true, minutes: 20)
        smaller.parts.removeAll { $0.id.kind != .record }
        _ = memory.date(smaller)
        #expect(Array(memory.marks.keys) == ["record"])
    }

    @Test("what a part says itself counts more than when it was noticed")
    func own() {
        var memory = PictureMemory()
        let dated = memory.date(picture(false, minutes: 30))
        #expect(dated[PartID(.rollout)]?.since == FakeWorld.start)
    }

    @Test("the coordinator's memory is kept in the store, and read beside it without a change")
    func stored() async throws {
        try await withStore { store in
            let spec = try exampleCluster()
            let start = FakeWorld.start
            let (first, memory) = try Picture.read(spec, store: store, links: [], now: start)
            #expect(first.parts.allSatisfy { $0.since == start })
            try store.put(.meta, PictureMemory.key, memory)
            let later = try Picture.read(
                spec, store: store, links: nil, now: start.addingTimeInterval(60))
            #expect(later.picture[PartID(.chat)]?.since == start)
            #expect(later.memory == memory)
        }
    }

    @Test("nodes, HAProxy and layers are so since their history says, whoever drew a picture then")
    func history() async throws {
        try await withStore { store in
            let start = FakeWorld.start
            var reports = NodeReports(store: store)
            let drifted = StepState.drifted(Drift(.missing))
            for (offset, step, state) in [
                (0.0, "microk8s", StepState.converged), (60, "microk8s", drifted),
                (120, "haproxy", drifted),
            ] {
                let status = NodeStatus.of(worker1, steps: ["microk8s", "haproxy"])
                let steps = status.steps.map {
                    $0.id.rawValue == step ? StepStatus(id: $0.id, state: state) : $0
                }
                try reports.keep(status.with(steps), now: start + offset)
            }
            let layers = StateHistory(subject: StateHistory.layers, store: store)
            for (offset, detail) in [(0.0, "1 of 2 pods"), (300, "0 of 2 pods")] {
                let wrong = ClusterStatus.Layer(name: "app", state: .wrong, detail: detail)
                let writes = try layers.writes(of: [wrong], now: start + offset)
                try store.commit([], try #require(writes))
            }
            let history = PartHistory(store: store)
            func since(_ id: PartID, _ state: Picture.State) throws -> Date? {
                try history.since(
                    .init(id: id, state: state, since: nil, why: "", next: "", needs: []))
            }
            #expect(try since(PartID(.node, worker1), .right) == start + 120)
            #expect(try since(PartID(.node, worker1), .unknown) == nil)
            #expect(try since(PartID(.haproxy, worker1), .wrong) == start + 120)
            #expect(try since(PartID(.app), .wrong) == start, "only the words are others")
            #expect(try since(PartID(.app), .changing) == nil)
            #expect(try since(PartID(.record), .right) == nil)
        }
    }
}
