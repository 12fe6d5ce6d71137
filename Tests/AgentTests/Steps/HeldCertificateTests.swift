import Logging
import Model
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite struct HeldCertificateTests {
    private let fake = FakeWorld()
    private let edge: FakeEdge

    init() {
        edge = FakeEdge(fake)
        fake.files.directory(edge.layout.certificateFolder, mode: 0o700)
        fake.files[edge.layout.certificateList] = ""
    }

    @Test("a node says what lies on disk and what HAProxy has in memory, and changes nothing")
    func held() async throws {
        edge.start()
        let step = edge.certificateStep()
        try await step.apply(fake.world)
        fake.forgetOps()
        let facts = try CertificateFacts(pem: try #require(fake.files[edge.layout.bundle]))
        let held = await step.held(fake.world)
        #expect(held.keyType == .ecdsa)
        #expect(held.disk == facts.summary)
        #expect(held.memory == .serial(facts.serial, isUsed: true))
        #expect(await step.publicCertificate(fake.world) == facts.summary)
        #expect(fake.ops.isEmpty)
    }

    @Test("before the first certificate there is none in either place")
    func none() async throws {
        edge.start()
        let held = await edge.certificateStep().held(fake.world)
        #expect(held == HeldCertificate(keyType: .ecdsa, disk: nil, memory: .nothing))
    }

    @Test("what a HAProxy that is down has in memory is unknown, not nothing")
    func down() async throws {
        let held = await edge.certificateStep().held(fake.world)
        guard case .unknown(let failure) = held.memory else {
            Issue.record("\(held.memory)")
            return
        }
        #expect(failure.code == .unavailable)
    }

    @Test("the status has what lies on disk, and the coordinator may ask about every type of key")
    func asked() async throws {
        edge.start()
        let (state, log) = (StateFolder(), Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try state.prepare(fake.files)
        let steps = KeyType.allCases.map { edge.certificateStep($0, of: [.ecdsa, .rsa]) }
        let settings = Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
            pin: Hash.sha256([]), coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
        let reconciler = Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1", log: log,
            makeStep: { spec in steps.first { $0.id == spec.id } })
        await reconciler.accept(
            NodeSpec(
                cluster: settings.cluster, node: settings.node, epoch: 1,
                run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: Hash.sha256([]),
                steps: steps.map { StepSpec(id: $0.id, body: .certificate($0.spec)) }))
        try await reconciler.pass()
        let reported = await reconciler.status().steps.map(\.certificate?.keyType)
        #expect(reported == [.ecdsa, .rsa])
        let requests = Requests(
            world: fake.world, tunnels: Tunnels(log: log) { _ in }, reconciler: reconciler)
        guard case .text(let text) = await requests.answer(.certificates) else {
            Issue.record("no text came")
            return
        }
        let held = try JSON.decode([HeldCertificate].self, from: text.utf8, what: "the answer")
        #expect(held.map(\.keyType) == [.ecdsa, .rsa])
        #expect(held.map(\.disk?.serial) == steps.map { edge.serial(of: $0.spec.keyType) })
    }
}

extension FakeEdge {
    /// Of what is in the bundle on disk, as the certificate has it.
    fileprivate func serial(of type: KeyType) -> String? {
        fake.files[layout.bundle(of: type)].flatMap { try? CertificateFacts(pem: $0).serialHex }
    }
}
