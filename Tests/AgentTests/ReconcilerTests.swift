import Logging
import Model
import Outside
import Support
import Testing
import Wire

@testable import Agent

/// A step whose whole effect is one file.
private struct FileStep: Step {
    let path: String

    func check(_ world: World) async throws -> Condition {
        try world.files.text(path) == "right" ? .right : .missing
    }

    func apply(_ world: World) async throws {
        try world.files.replace(path, with: Array("right".utf8), mode: 0o600, op: "file.replace")
    }

    func remove(_ world: World) async throws {
        try world.files.remove(path, op: "file.remove")
    }
}

/// A step that says it did its work and did not.
private struct LyingStep: Step {
    func check(_ world: World) async throws -> Condition { .missing }
    func apply(_ world: World) async throws {}
    func remove(_ world: World) async throws {}
}

/// A step that says what it does, and then waits.
private struct TellingStep: Step {
    static let line = "Download snap, 45 % of 163.1 MiB"

    func check(_ world: World) async throws -> Condition { .missing }
    func apply(_ world: World) async throws {}
    func remove(_ world: World) async throws {}

    func apply(_ world: World, telling tell: @escaping Telling) async throws {
        await tell(Self.line)
        try await world.clock.sleep(.seconds(3600), op: "test.apply")
    }
}

@Suite struct ReconcilerTests {
    private let fake = FakeWorld()
    private let settings = Settings(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
        pin: Digest(unchecked: String(repeating: "0", count: 64)),
        coordinators: ["127.0.0.1:7443"], region: "eu-central-1", tokenFile: nil)
    private let state = StateFolder("/var/lib/jeeves")

    init() throws {
        try state.prepare(fake.files)
        fake.files.directory("/etc")
        fake.forgetOps()
    }

    private func reconciler(_ other: FakeWorld? = nil) -> Reconciler {
        let fake = other ?? self.fake
        return Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1",
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            makeStep: { spec in
                switch spec.body {
                case .packages(let packages): FileStep(path: packages.names.first ?? "/x")
                case .microk8s: LyingStep()
                case .join: TellingStep()
                default: nil
                }
            })
    }

    private func step(_ id: String, needs: [String] = [], file: String) -> StepSpec {
        StepSpec(
            id: StepID(unchecked: id), needs: needs.map(StepID.init(unchecked:)),
            body: .packages(PackagesSpec(names: [file])))
    }

    private func spec(
        _ steps: [StepSpec], generation: UInt64 = 1, epoch: UInt64 = 1,
        run: String = "aaaaaaaaaaaaaaaa"
    ) -> NodeSpec {
        NodeSpec(
            cluster: settings.cluster, node: settings.node, epoch: epoch,
            run: RunID(unchecked: run), generation: generation,
            digest: Digest(unchecked: String(repeating: "\(generation % 10)", count: 64)),
            steps: steps)
    }

    private func state(of id: String, in status: NodeStatus) -> StepState? {
        status.steps.first { $0.id.rawValue == id }?.state
    }

    @Test("who drives anew waits for no back-off: what failed is tried again at once")
    func anew() async throws {
        let reconciler = reconciler()
        fake.fail("file.replace", with: Failure(.failed, "writing /etc/a: no"))
        await reconciler.accept(spec([step("a", file: "/etc/a")]))
        try await reconciler.pass()
        try await reconciler.pass()
        #expect(fake.files["/etc/a"] == nil, "it waits for its back-off")
        await reconciler.accept(
            spec([step("a", file: "/etc/a")], epoch: 2, run: "bbbbbbbbbbbbbbbb"))
        try await reconciler.pass()
        #expect(fake.files["/etc/a"] == "right")
    }

    @Test("a node that is right is not written to")
    func rightMeansNoWrites() async throws {
        fake.files["/etc/a"] = "right"
        let reconciler = reconciler()
        await reconciler.accept(spec([step("a", file: "/etc/a")]))
        fake.forgetOps()
        try await reconciler.pass()
        #expect(fake.ops == [])
        #expect(await reconciler.status().isConverged(generation: 1))
    }

    @Test("what a step says while it is applied is in the status at once")
    func telling() async throws {
        let world = FakeWorld(autoAdvance: false)
        try state.prepare(world.files)
        let reconciler = reconciler(world)
        await reconciler.accept(
            spec([
                StepSpec(
                    id: StepID(unchecked: "join"), body: .join(JoinSpec(controller: "10.0.0.1")))
            ]))
        let passing = Task { try await reconciler.pass() }
        for await status in await reconciler.statuses() {
            guard status.steps.first?.detail == TellingStep.line else { continue }
            #expect(state(of: "join", in: status) == .converging(attempt: 1))
            break
        }
        passing.cancel()
        try await passing.value
    }

    @Test("a fresh check says what is wrong of each step of a spec, and neither keeps nor does it")
    func look() async throws {
        fake.files["/etc/a"] = "right"
        fake.files["/etc/b"] = "wrong"
        let reconciler = reconciler()
        await reconciler.accept(spec([step("a", file: "/etc/a")]))
        try await reconciler.pass()
        fake.forgetOps()
        let unknown = StepSpec(
            id: StepID(unchecked: "new"), body: .unknown(kind: "of-tomorrow"))
        let wanted = spec(
            [step("a", file: "/etc/a"), step("b", file: "/etc/b"), unknown], generation: 2)
        let findings = try await reconciler.look(at: wanted)
        #expect(findings.map(\.id.rawValue) == ["a", "b", "new"])
        #expect(findings.map(\.verdict) == [.found(.right), .found(.missing), .unsupported])
        #expect(fake.ops == [])
        #expect(await reconciler.status().generation == 1)
        let other = NodeSpec(
            cluster: wanted.cluster, node: NodeName(unchecked: "worker-7"), epoch: 1,
            run: wanted.run, generation: 1, digest: wanted.digest, steps: [])
        let refusal = await #expect(throws: Failure.self) { try await reconciler.look(at: other) }
        #expect(refusal?.code == .invalid)
    }

    @Test("the status names the coordinator's start for which every step was looked at")
    func checkedFor() async throws {
        let reconciler = reconciler()
        #expect(await reconciler.status().checkedFor == nil)
        for (epoch, run) in [(1, "aaaaaaaaaaaaaaaa"), (2, "bbbbbbbbbbbbbbbb")] as [(UInt64, _)] {
            let before = await reconciler.status().checkedFor
            await reconciler.accept(
                spec([step("a", file: "/etc/a")], epoch: epoch, run: run))
            #expect(await reconciler.status().checkedFor == before)
            fake.files["/etc/a"] = "broken by hand"
            try await reconciler.pass()
            #expect(await reconciler.status().checkedFor == RunID(unchecked: run))
            #expect(fake.files["/etc/a"] == "right")
        }
    }

    @Test("a node that differs converges, and its events say so")
    func converges() async throws {
        let reconciler = reconciler()
        await reconciler.accept(spec([step("a", file: "/etc/a")]))
        try await reconciler.pass()
        #expect(fake.files["/etc/a"] == "right")
        #expect(await reconciler.status().isConverged(generation: 1))
        let spool = EventSpool(files: fake.files, state: state)
        #expect(await spool.pending(after: 0)?.events.map(\.outcome) == [.started, .done])
    }

    @Test("whatever a step says, a batch of its events fits into a frame")
    func longWords() async throws {
        let reconciler = reconciler()
        let words = String(repeating: "e\u{301}", count: 100_000)
        fake.fail("file.replace", with: Failure(.failed, words), times: 60)
        await reconciler.accept(spec([step("a", file: "/a")]))
        for _ in 1...60 {
            try await reconciler.pass()
            fake.clock.advance(by: Reconciler.retryMax + Reconciler.retryMin)
        }
        let spool = EventSpool(files: fake.files, state: state)
        let batch = try #require(await spool.pending(after: 0))
        #expect(batch.events.count == 100)
        #expect(try Frame.encode(.events(batch)).count < MessageKind.events.bytesMax)
    }

    @Test("killed after every effect, the next start converges")
    func crashes() async throws {
        try await crashMatrix(
            setup: {
                let world = FakeWorld()
                try state.prepare(world.files)
                let file = SpecFile(files: world.files, path: state.spec)
                try file.accept(spec([step("a", file: "/a"), step("b", file: "/b")]), as: settings)
                return world
            },
            run: { world in
                let reconciler = Reconciler(
                    settings: settings, state: state, world: world,
                    facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
                    events: EventSpool(files: world.files, state: state), version: "1",
                    log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                    makeStep: { spec in
                        guard case .packages(let body) = spec.body else { return nil }
                        return FileStep(path: body.names.first ?? "/x")
                    })
                try await reconciler.pass()
            },
            verify: { world in
                #expect(world.files["/a"] == "right")
                #expect(world.files["/b"] == "right")
            })
    }

    @Test("a step that says it worked and did not is failed, and tried again only after a pause")
    func liesAreFound() async throws {
        let reconciler = reconciler()
        await reconciler.accept(
            spec([
                StepSpec(
                    id: StepID(unchecked: "k"),
                    body: .microk8s(MicroK8sSpec(role: .worker, channel: "x", addons: [])))
            ]))
        try await reconciler.pass()
        guard case .failed(let failure) = state(of: "k", in: await reconciler.status()) else {
            Issue.record("the lie was believed")
            return
        }
        #expect(failure.message.hasSuffix("after the change: it is not right: missing"))
        fake.forgetOps()
        try await reconciler.pass()
        #expect(fake.ops == [], "it was tried again at once")
        fake.clock.advance(by: Reconciler.retryMax + Reconciler.retryMin)
        try await reconciler.pass()
        #expect(!fake.ops.isEmpty, "it was never tried again")
    }

    @Test("a spec that comes in the middle of a pass ends it before the next step of the old one")
    func superseded() async throws {
        let world = FakeWorld(autoAdvance: false)
        try state.prepare(world.files)
        let reconciler = reconciler(world)
        let slow = StepSpec(
            id: StepID(unchecked: "join"), body: .join(JoinSpec(controller: "10.0.0.1")))
        await reconciler.accept(spec([slow, step("a", file: "/etc/mistyped")]))
        let passing = Task { try await reconciler.pass() }
        await world.clock.sleeping()
        await reconciler.accept(spec([step("a", file: "/etc/a")], generation: 2))
        world.clock.advance(by: .seconds(3600))
        try await passing.value
        #expect(world.files["/etc/mistyped"] == nil)
        try await reconciler.pass()
        #expect(world.files["/etc/a"] == "right")
    }

    @Test("a step waits for the steps it needs, and an unknown kind does not stop the others")
    func needsAndUnknown() async throws {
        let reconciler = reconciler()
        fake.fail(
            "file.replace", with: Failure(.failed, "writing: no space left on device"), times: 1)
        await reconciler.accept(
            spec([
                step("a", file: "/a"), step("b", needs: ["a"], file: "/b"),
                StepSpec(id: StepID(unchecked: "u"), body: .unknown(kind: "later")),
                step("c", file: "/c"),
            ]))
        try await reconciler.pass()
        let status = await reconciler.status()
        #expect(state(of: "b", in: status) == .waiting)
        #expect(state(of: "u", in: status) == .unsupported)
        #expect(state(of: "c", in: status) == .converged)
    }

    @Test("a step that waits for another one makes no pass due before that one is")
    func waitingIsNotDue() async throws {
        fake.files["/a"] = "right"
        fake.fail("file.replace", with: Failure(.failed, "writing: no"), times: 2)
        let reconciler = reconciler()
        await reconciler.accept(
            spec([step("a", file: "/a"), step("b", needs: ["a"], file: "/b")]))
        try await reconciler.pass()
        fake.files["/a"] = "broken by hand"
        fake.clock.advance(by: Reconciler.retryMax)
        try await reconciler.pass()
        #expect(state(of: "b", in: await reconciler.status()) == .waiting)
        #expect(await reconciler.untilNextPass() >= Reconciler.retryMin)
    }

    @Test("an older spec is refused, reported, and does not replace the newer one")
    func staleSpec() async throws {
        let reconciler = reconciler()
        await reconciler.accept(spec([step("a", file: "/a")], generation: 2, epoch: 2))
        await reconciler.accept(spec([step("a", file: "/evil")], generation: 3, epoch: 1))
        try await reconciler.pass()
        #expect(fake.files["/a"] == "right")
        #expect(fake.files["/evil"] == nil)
        #expect(await reconciler.status().refused?.code == .conflict)
    }

    @Test("a damaged spec lets no other one in, and the way out is told on the node")
    func damagedSpec() async throws {
        fake.files[state.spec] = "{"
        let reconciler = reconciler()
        await reconciler.accept(spec([step("a", file: "/a")]))
        let report = NodeReport(
            await reconciler.status(),
            daemon: DaemonState(
                UnitState(load: "loaded", active: "active", result: "success", exitCode: 0)),
            now: fake.clock.now())
        #expect(report.table.contains("spec refused: accepting generation 1: reading "))
        #expect(report.table.contains("fix: remove \(state.spec) and restart jeeves-agent"))
        fake.files[state.spec] = nil
        await reconciler.accept(spec([step("a", file: "/a")]))
        try await reconciler.pass()
        #expect(fake.files["/a"] == "right")
    }

    @Test("a step that should be absent is removed")
    func absent() async throws {
        fake.files["/etc/a"] = "right"
        let reconciler = reconciler()
        await reconciler.accept(
            spec([
                StepSpec(
                    id: StepID(unchecked: "a"), presence: .absent,
                    body: .packages(PackagesSpec(names: ["/etc/a"])))
            ]))
        try await reconciler.pass()
        #expect(fake.files["/etc/a"] == nil)
        #expect(await reconciler.status().isConverged(generation: 1))
    }
}
