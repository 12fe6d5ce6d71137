import Logging
import Model
import Outside
import Support
import Testing

@testable import Agent

/// A file that says what it holds, and what it would become.
private struct TextStep: Step {
    let path: String

    func check(_ world: World) async throws -> Condition {
        guard let text = try world.files.text(path) else { return .missing }
        return text == "right"
            ? .right : .differs([Difference(path, found: text, wanted: "right")])
    }

    func apply(_ world: World) async throws {
        try world.files.replace(path, with: Array("right".utf8), mode: 0o600, op: "file.replace")
    }

    func remove(_ world: World) async throws { try world.files.remove(path, op: "file.remove") }

    func diff(_ world: World) async throws -> String {
        UnifiedDiff.text(from: try world.files.text(path) ?? "", to: "right")
    }
}

/// What somebody changes after a step was right, under `report` and under `repair`.
@Suite struct ReconcilerDriftTests {
    private static let path = "/etc/a"
    private let fake = FakeWorld()
    private let settings = Settings(
        cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
        pin: Digest(unchecked: String(repeating: "0", count: 64)),
        coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
    private let state = StateFolder("/var/lib/jeeves")
    private let id = StepID(unchecked: "a")

    init() throws {
        try state.prepare(fake.files)
        fake.files.directory("/etc")
    }

    /// An agent that was just started.
    private func agent() -> Reconciler {
        Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(system: "", kernel: "", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1",
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            makeStep: { spec in
                guard case .packages(let body) = spec.body else { return nil }
                return TextStep(path: body.names.first ?? "/x")
            })
    }

    private func spec(
        _ policy: DriftPolicy = .report, masked: [String] = [], generation: UInt64 = 1,
        run: Character = "a", mends: Bool? = nil, more: [StepSpec] = []
    ) -> NodeSpec {
        let step = StepSpec(
            id: id, body: .packages(PackagesSpec(names: [Self.path], masked: masked)),
            drift: policy)
        return NodeSpec(
            cluster: settings.cluster, node: settings.node,
            epoch: UInt64(run.asciiValue ?? 0),
            run: RunID(unchecked: String(repeating: run, count: 16)), generation: generation,
            digest: Digest(unchecked: String(repeating: "\(generation)", count: 64)),
            steps: [step] + more, mendsDrift: mends)
    }

    /// One pass of `agent`, and how the step stands after it.
    private func state(_ agent: Reconciler, of id: StepID? = nil) async throws -> StepState? {
        try await agent.pass()
        return await agent.status().steps.first { $0.id == id ?? self.id }?.state
    }

    /// An agent whose step was right before somebody wrote `text`.
    private func drifted(_ text: String = "by hand") async throws -> Reconciler {
        let agent = agent()
        await agent.accept(spec(mends: true))
        #expect(try await state(agent) == .converged)
        fake.files[Self.path] = text
        fake.forgetOps()
        return agent
    }

    private func events() async -> [String] {
        let spool = EventSpool(files: fake.files, state: state)
        return await spool.pending(after: 0)?.events.filter { $0.cause == "drift" }
            .map { "\($0.subject) \($0.outcome.rawValue) \($0.detail)" } ?? []
    }

    @Test("what was right and is changed is reported with its diff, and not written to")
    func reported() async throws {
        let agent = try await drifted()
        let drift = try #require(try await state(agent)?.drift)
        #expect(drift.what == "/etc/a: by hand -> right")
        #expect(drift.diff == "@@ -1,1 +1,1 @@\n-by hand\n+right")
        #expect(fake.files[Self.path] == "by hand")
        #expect(!fake.ops.contains("file.replace"))
        #expect(await !agent.status().isConverged(generation: 1))
        #expect(await agent.status().hasDrifted)
    }

    @Test("drift is an event when it begins and when it ends, whoever ends it, and each but once")
    func told() async throws {
        let agent = try await drifted()
        for _ in 1...3 { _ = try await state(agent) }
        #expect(await events() == ["step/a started /etc/a: by hand -> right"])
        fake.files[Self.path] = "right"
        for _ in 1...3 { #expect(try await state(agent) == .converged) }
        #expect(await events().count == 2)
        #expect(await events().last == "step/a done ")
    }

    @Test("an agent that starts again knows what was right, and tells of the same drift once")
    func restarted() async throws {
        let first = try await drifted()
        fake.files[Self.path] = nil
        #expect(try await state(agent())?.drift?.what == "missing")
        #expect(try await state(first)?.drift?.what == "missing")
        #expect(try await state(agent())?.drift?.what == "missing")
        #expect(fake.files[Self.path] == nil)
        #expect(await events().count == 1)
    }

    @Test("a person's `up` makes it right once; what is changed after that is drift again")
    func mended() async throws {
        let agent = try await drifted()
        #expect(try await state(agent)?.drift != nil)
        await agent.accept(spec(run: "b"))
        #expect(try await state(agent)?.drift != nil, "a service that drives mends nothing")
        await agent.accept(spec(run: "b", mends: true))
        #expect(try await state(agent) == .converged)
        #expect(fake.files[Self.path] == "right")
        #expect(await events().map { $0.prefix(11) } == ["step/a star", "step/a done"])
        fake.files[Self.path] = "again"
        await agent.accept(spec(run: "b", mends: true))
        #expect(try await state(agent)?.drift != nil, "the same spec, sent to a new link")
        #expect(try await state(self.agent())?.drift != nil)
    }

    @Test("what has never been right is applied, also after a failure and a restart")
    func notRightYet() async throws {
        fake.files[Self.path] = "of the image"
        fake.fail("file.replace", with: Failure(.failed, "writing: no space left"), times: 1)
        let first = agent()
        await first.accept(spec())
        guard case .failed = try await state(first) else {
            Issue.record("it was not tried")
            return
        }
        #expect(try await state(agent()) == .converged)
        #expect(fake.files[Self.path] == "right")
        #expect(await events().isEmpty)
    }

    @Test("another content is applied over what somebody changed")
    func content() async throws {
        let agent = try await drifted()
        #expect(try await state(agent)?.drift != nil)
        await agent.accept(spec(masked: ["certbot.timer"], generation: 2))
        #expect(try await state(agent) == .converged)
        #expect(fake.files[Self.path] == "right")
        #expect(await events().count == 2, "that drift has ended")
    }

    @Test("`repair` mends at once, remembers nothing, and ends what was reported before")
    func repaired() async throws {
        let agent = agent()
        await agent.accept(spec(.repair))
        fake.files[Self.path] = "by hand"
        #expect(try await state(agent) == .converged)
        #expect(fake.files[Self.path] == "right")
        #expect(fake.files[state.drift] == nil)
        await agent.accept(spec(.report, generation: 2))
        #expect(try await state(agent) == .converged)
        fake.files[Self.path] = "by hand"
        #expect(try await state(agent)?.drift != nil)
        await agent.accept(spec(.repair, generation: 3))
        #expect(try await state(agent) == .converged)
        #expect(await events().count == 2)
    }

    @Test("a step that needs one that drifted is tried all the same")
    func needs() async throws {
        let agent = try await drifted()
        let other = StepSpec(
            id: StepID(unchecked: "b"), needs: [id],
            body: .packages(PackagesSpec(names: ["/etc/b"])))
        await agent.accept(spec(generation: 2, more: [other]))
        #expect(try await state(agent, of: other.id) == .converged)
        #expect(await agent.status().hasDrifted)
    }

    @Test("an agent that cannot remember says so, and the step is failed")
    func noSpace() async throws {
        fake.fail("drift.replace", with: Failure(.failed, "replacing: no space left"), times: 1)
        let agent = agent()
        await agent.accept(spec())
        guard case .failed(let failure) = try await state(agent) else {
            Issue.record("nobody was told")
            return
        }
        #expect(failure.message.contains("no space left"))
    }

    @Test("a damaged memory remembers nothing")
    func damaged() async throws {
        let agent = try await drifted()
        fake.files[state.drift] = "{"
        #expect(try await state(agent) == .converged)
        #expect(fake.files[Self.path] == "right")
    }
}
