import FoundationEssentials
import Logging
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite(.timeLimit(.minutes(1))) struct RenewalTests {
    private let fake = FakeWorld(autoAdvance: false)
    private let edge: FakeEdge
    private let state = StateFolder()

    /// A node that serves its first certificate, ten days old.
    init() async throws {
        edge = FakeEdge(fake)
        fake.files.directory(edge.layout.certificateFolder, mode: 0o700)
        fake.files[edge.layout.certificateList] = ""
        edge.start()
        try state.prepare(fake.files)
        try await edge.certificateStep().apply(fake.world)
        fake.clock.setWall(FakeWorld.start.addingTimeInterval(10 * 86_400))
    }

    /// Asks while the agent makes its passes.
    private func ask() async throws -> Result<String, any Error> {
        let settings = Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
            pin: Hash.sha256([]), coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
        let reconciler = Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1",
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            makeStep: { _ in edge.certificateStep() })
        let step = edge.certificateStep()
        await reconciler.accept(
            NodeSpec(
                cluster: settings.cluster, node: settings.node, epoch: 1,
                run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: Hash.sha256([]),
                steps: [StepSpec(id: step.id, body: .certificate(step.spec))]))
        let passes = Task { await reconciler.run() }
        let answer: Result<String, any Error>
        do {
            answer = .success(try await Renewal(reconciler: reconciler, world: fake.world).run())
        } catch { answer = .failure(error) }
        passes.cancel()
        await passes.value
        return answer
    }

    private func failure(_ result: Result<String, any Error>) -> Failure? {
        if case .failure(let error) = result { error as? Failure } else { nil }
    }

    @Test("what the CA said comes back, and what serves goes on serving")
    func refused() async throws {
        edge.refuse(
            Finished(
                ending: .exited(1),
                output: "  Domain: chat.example.test\n  Type:   connection\n  Detail: Timeout\n"))
        let answer = try await ask()
        #expect(failure(answer)?.message.hasPrefix("renewing the certificate: ") == true)
        #expect(failure(answer)?.message.contains("port 80") == true)
        #expect(fake.units.ran.last?.command.arguments.contains("--force-renewal") == true)
        #expect(edge.served == "a1")
    }

    @Test("the order budget refuses before certbot runs, says when to try, and nothing lingers")
    func budget() async throws {
        edge.refuse(Finished(ending: .exited(1), errors: "no\n"))
        _ = try await ask()
        let ran = fake.units.ran.count
        let wishes = fake.files.paths.filter { $0.hasSuffix("renewal.json") }
        try fake.world.files.remove(try #require(wishes.first), op: "test")
        let answer = try await ask()
        #expect(failure(answer)?.message.contains("next try at 2026-01-11T") == true)
        #expect(fake.units.ran.count == ran)
        let kept = fake.files.paths.filter { $0.hasSuffix("renewal.json") }
        #expect(kept.isEmpty)
    }

    @Test("a wish is about one certificate: it makes that one due, and no other")
    func wish() async throws {
        let step = edge.certificateStep()
        #expect(try await step.check(fake.world) == .right)
        try step.wishRenewal(fake.world)
        let due = Difference("certificate", found: "due for renewal", wanted: "renewed")
        #expect(try await step.check(fake.world) == .differs([due]))
        try RenewalWish(serial: "b2").save("\(state.path)/renewal.json", fake.world.files)
        #expect(try await step.check(fake.world) == .right)
    }
}
