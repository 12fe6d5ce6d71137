import FoundationEssentials
import Logging
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Agent

@Suite(.timeLimit(.minutes(1))) struct RenewalInquiryTests {
    private static let server = Endpoint.tls(host: "acme.example.test", port: 443)
    private static let directory = """
        {"newOrder": "https://acme.example.test/new-order",
         "renewalInfo": "https://acme.example.test/renewal-info"}
        """

    private let fake = FakeWorld(autoAdvance: false)
    private let edge: FakeEdge
    private let state = StateFolder()
    private var file: String { "\(state.path)/certificate-renewal.json" }

    /// A node that serves its first certificate (2025-12-31 to 2026-03-31), ten days old.
    init() async throws {
        edge = FakeEdge(fake)
        fake.files.directory(edge.layout.certificateFolder, mode: 0o700)
        fake.files[edge.layout.certificateList] = ""
        edge.start()
        try state.prepare(fake.files)
        try await edge.certificateStep().apply(fake.world)
        set(day: 10)
        answer("/dir", Self.directory)
        fake.network.forgetRequests()
    }

    /// A day of the certificate's life.
    private static func date(_ day: Double) -> Date {
        FakeWorld.start.addingTimeInterval((day - 1) * 86_400)
    }

    private func set(day: Double) { fake.clock.setWall(Self.date(day)) }

    private func answer(
        _ target: String, _ body: String, status: Int = 200, retryAfter: String? = nil
    ) {
        let headers = retryAfter.map { ["retry-after": $0] } ?? [:]
        fake.network.on("GET", Self.server, target) { _ in
            HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
        }
    }

    /// The CA's word from now on, in days of the certificate's life.
    private func suggest(_ start: Double, _ end: Double) {
        let (start, end) = (Self.date(start), Self.date(end))
        answer(
            "/renewal-info/",
            """
            {"suggestedWindow": {"start": "\(start.formatted(.iso8601))",
                                 "end": "\(end.formatted(.iso8601))"},
             "explanationURL": "https://acme.example.test/why"}
            """, retryAfter: "21600")
    }

    /// A new start of the agent.
    private func agent() async -> (Reconciler, RenewalInquiry) {
        let settings = Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
            pin: Hash.sha256([]), coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let reconciler = Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1", log: log,
            makeStep: { _ in edge.certificateStep() })
        let step = edge.certificateStep()
        await reconciler.accept(
            NodeSpec(
                cluster: settings.cluster, node: settings.node, epoch: 1,
                run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: Hash.sha256([]),
                steps: [StepSpec(id: step.id, body: .certificate(step.spec))]))
        return (reconciler, RenewalInquiry(reconciler: reconciler, world: fake.world, log: log))
    }

    /// One look of an agent that has just started.
    @discardableResult
    private func turn() async -> Duration { await agent().1.turn() }

    private var isDue: Bool {
        get async throws {
            let due = Difference("certificate", found: "due for renewal", wanted: "renewed")
            return try await edge.certificateStep().check(fake.world) == .differs([due])
        }
    }

    private var detail: ServedCertificate {
        get async throws {
            try #require(ServedCertificate(await edge.certificateStep().detail(fake.world)))
        }
    }

    @Test("the CA is asked about this certificate, and no sooner again than it wants")
    func asks() async throws {
        suggest(20, 22)
        #expect(await turn() == .seconds(6 * 3600))
        #expect(
            fake.network.requests.map(\.target)
                == ["/dir", "/renewal-info/GeI0zfN0DuOiUP254aDFqAmbGqk.AKE"])
        for _ in 0..<5 {
            fake.clock.advance(by: .seconds(3600))
            await turn()
        }
        #expect(fake.network.requests.count == 2)
        fake.clock.advance(by: .seconds(3601))
        await turn()
        #expect(fake.network.requests.count == 4)
        #expect(fake.files.mode(of: file) == 0o600)
    }

    @Test("the time inside the window is kept, across restarts and answers; then it is due")
    func window() async throws {
        suggest(20, 22)
        await turn()
        let first = try await detail
        #expect(first.note == "when the CA suggests")
        #expect((Self.date(20)...Self.date(22)).contains(first.renewsFrom))
        set(day: 15)
        await turn()
        #expect(try await detail == first)
        fake.clock.setWall(first.renewsFrom.addingTimeInterval(-100))
        await turn()
        #expect(try await !isDue)
        // The line has whole seconds.
        #expect((99...101).contains(await turn().seconds))
        fake.clock.advance(by: .seconds(102))
        #expect(try await isDue)

        suggest(30, 31)
        fake.clock.advance(by: .seconds(6 * 3600))
        await turn()
        #expect(try await !isDue)
    }

    @Test("a mass revocation replaces the certificate at once, before its time")
    func revocation() async throws {
        set(day: 60.01)
        suggest(59, 60)
        #expect(try await !isDue)
        try await runUntilRenewed {}
        #expect(edge.issued == 2)
    }

    @Test("the renewal begins when its time comes, and not with the pass after that")
    func punctual() async throws {
        set(day: 61)
        suggest(62, 63)
        await turn()
        fake.clock.setWall(try await detail.renewsFrom.addingTimeInterval(-100))
        try await runUntilRenewed {
            // The reconciler and the inquiry wait; a pass would come after 300 seconds.
            await fake.clock.sleeping(2)
            fake.clock.advance(by: .seconds(102))
        }
        #expect(edge.issued == 2)
    }

    /// The agent at work, until the second certificate is in its status.
    private func runUntilRenewed(_ meanwhile: () async throws -> Void) async throws {
        let (reconciler, inquiry) = await agent()
        let tasks = [Task { await reconciler.run() }, Task { await inquiry.run() }]
        try await meanwhile()
        for await status in await reconciler.statuses() {
            let served = status.steps.first.flatMap { ServedCertificate($0.detail) }
            if served?.serial.hasSuffix("b2") == true { break }
        }
        #expect(edge.served == "b2")
        for task in tasks {
            task.cancel()
            await task.value
        }
    }

    @Test("the order budget holds against the CA's own hurry")
    func budget() async throws {
        suggest(9, 9.5)
        await turn()
        #expect(
            try await detail.note
                == "the CA wants it replaced at once: https://acme.example.test/why")
        edge.refuse(Finished(ending: .exited(1), errors: "no\n"))
        let ran = fake.units.ran.count
        for _ in 0..<10 { try? await edge.certificateStep().apply(fake.world) }
        #expect(fake.units.ran.count <= ran + 2)
        #expect(edge.served == "a1")
    }

    @Test(
        "an absurd window counts for nothing, and the status says so",
        arguments: [(22, 20), (-30, -20), (89, 95), (300, 301), (-1, 400)] as [(Double, Double)])
    func absurd(start: Double, end: Double) async throws {
        let before = try await detail
        suggest(start, end)
        await turn()
        let after = try await detail
        #expect(after.renewsFrom == before.renewsFrom)
        #expect(after.note.contains("judging the CA's window"))
        #expect(try await !isDue)
    }

    @Test("nobody but the configured CA is asked, whatever its directory says")
    func elsewhere() async throws {
        answer("/dir", Self.directory.replacing("test/renewal", with: "net/renewal"))
        await turn()
        #expect(fake.network.requests.map(\.endpoint) == [Self.server])
        #expect(try await detail.note.contains("sends us to acme.example.net"))
    }

    @Test("a CA that says nothing of renewal is asked a few times a day, and is no trouble")
    func without() async throws {
        answer("/dir", #"{"newOrder": "https://acme.example.test/new-order"}"#)
        #expect(await turn() == .seconds(6 * 3600))
        #expect(try await detail.note.isEmpty)
    }

    @Test("a CA that is away is asked less and less, and its last word is believed for a while")
    func away() async throws {
        let ours = try await detail.renewsFrom
        suggest(73, 74)
        set(day: 58)
        await turn()
        set(day: 61)
        answer("/", "", status: 503)
        let before = fake.network.requests.count
        for _ in 0..<(24 * 60) {
            await turn()
            fake.clock.advance(by: .seconds(60))
        }
        #expect((5...14).contains(fake.network.requests.count - before))
        #expect(try await detail.note == "when the CA suggests")
        // After a tenth of the life it is stale, and the lifetime's own time holds again.
        set(day: 68)
        await turn()
        #expect(try await detail.renewsFrom == ours)
        #expect(try await detail.note.hasPrefix("the CA could not be asked: "))
        #expect(try await isDue)
    }

    @Test("a CA that is overloaded says for how long it wants to be left alone")
    func overloaded() async throws {
        answer("/renewal-info/", "", status: 429, retryAfter: "80000")
        #expect(await turn() == .seconds(6 * 3600))
        fake.clock.advance(by: .seconds(79_000))
        await turn()
        #expect(fake.network.requests.count == 2)
    }

    @Test("a damaged memory is a fresh one, and a node without a certificate asks nobody")
    func nothing() async throws {
        suggest(20, 22)
        await turn()
        fake.files[file] = "{"
        #expect(try await detail.note.isEmpty)
        await turn()
        #expect(fake.network.requests.count == 4)
        for path in fake.files.paths where path.contains("/live/") {
            try fake.world.files.remove(path, op: "test")
        }
        fake.clock.advance(by: .seconds(86_400))
        #expect(await turn() == .seconds(6 * 3600))
        #expect(fake.network.requests.count == 4)
    }
}
