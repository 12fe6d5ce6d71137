import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Support
import Synchronization
import Testing
import Trust
import Wire

@testable import AWS
@testable import Coordinator

/// All that a coordinator works on, in memory: the account, Terraform, the machines, their cluster
/// and its edge. It outlives the coordinators that drive it.
final class Estate: Sendable {
    let fake: FakeWorld
    let account: FakeAccount
    let terraform: FakeTerraform
    let agents: FakeAgents
    let cluster: FakeCluster
    let edge: FakeEdge
    let store: Store
    private let path: String
    private let log: Logger

    private struct Heard {
        var lines: [String] = []
        var waits = 0
        var afterWaits: [Int: @Sendable () async -> Void] = [:]
        var whenSaid: [(words: String, action: @Sendable () -> Void)] = []
        var listener: @Sendable (String) -> Void = { _ in }

        /// Takes a line; returns what it was waited for with.
        mutating func hear(_ line: String) -> [@Sendable () -> Void] {
            lines.append(line)
            let due = whenSaid.filter { line.contains($0.words) }
            whenSaid.removeAll { line.contains($0.words) }
            return due.map(\.action) + [{ [listener] in listener(line) }]
        }
    }
    private let heard = Mutex(Heard())

    /// A person's folder, the installed package, an account with one zone, and nothing else. The
    /// store is at `path`.
    init(
        path: String,
        log: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws {
        (self.path, self.log) = (path, log)
        let store = try Store.open(path: path)
        self.store = store
        (fake, cluster) = try StageStand.prepared()
        cluster.change { $0.members = [] }
        account = FakeAccount(fake)
        let agents = FakeAgents(fake, cluster)
        self.agents = agents
        terraform = FakeTerraform(fake, account) { await agents.machine($0, $1) }
        edge = FakeEdge(fake, cluster)
        fake.files["\(Assets.installed)/Terraform/main.tf"] = "module"
        fake.files["\(Assets.installed)/Terraform/modules/network/main.tf"] = "resource"
        fake.network.resolve("203.0.113.7", to: ["203.0.113.7"])
        // A process that is dead writes nothing more, whatever its code still tries.
        fake.whenCrashed { _ = try? Self.beginTerm(store) }
    }

    /// The place of the coordinator, taken from whoever has it.
    private static func beginTerm(_ store: Store) throws -> Lease {
        try store.acquireLease(holder: "test", now: .distantFuture, ttl: .zero)
    }

    /// Runs `body` with the store as it is on disk now, in a file of its own.
    func withCopiedStore(_ body: (Store) async throws -> Void) async throws {
        let files = World.live().files
        let copy = "\(path)-copy"
        defer {
            for suffix in ["", "-wal", "-shm"] {
                try? files.remove(copy + suffix, op: "test.clean")
            }
        }
        try store.copy(to: copy)
        try await body(Store.open(path: copy))
    }

    /// What a person was told.
    var lines: [String] { heard.withLock { $0.lines } }

    /// What is known of the machines.
    func infrastructure() throws -> Infrastructure? {
        try store.get(Infrastructure.self, .meta, StageRun.infrastructureKey)
    }

    /// Does something when a coordinator has waited so many times from now.
    func after(waits: Int, _ action: @escaping @Sendable () async -> Void) {
        heard.withLock { $0.afterWaits[$0.waits + waits] = action }
    }

    /// Hears everything that a person is told.
    func listen(_ listener: @escaping @Sendable (String) -> Void) {
        heard.withLock { $0.listener = listener }
    }

    /// Forgets what has not come yet.
    func forgetWaits() {
        heard.withLock { ($0.afterWaits, $0.whenSaid, $0.lines) = ([:], [], []) }
    }

    /// Does something once a person is told these words.
    func when(said words: String, _ action: @escaping @Sendable () -> Void) {
        heard.withLock { $0.whenSaid.append((words, action)) }
    }

    /// One driving start of a coordinator, of a copy of the state folder if it has another store.
    func drive(
        edits: [(String, String)] = [], options: RolloutOptions = RolloutOptions(),
        keyID: String = FakeAccount.keyID, store: Store? = nil,
        _ body: (StageRun) async throws -> Void
    ) async throws {
        let run = try start(try exampleCluster(edits), options, keyID, store ?? self.store)
        await agents.attach(run.downlinks)
        let result: Result<Void, any Error>
        do { result = .success(try await body(run)) } catch { result = .failure(error) }
        await run.access.close()
        await agents.detach()
        try result.get()
    }

    /// The stages in their order, up to and with `last`; the gate looks at the edge in memory.
    func recipe(upTo last: StageName = .verify) -> [any Stage] {
        let stages: [any Stage] = Recipes.install.map { stage in
            switch stage.name {
            case .controllers: controllers
            case .verify: verify
            default: stage
            }
        }
        return stages.filter { $0.name <= last }
    }

    var controllers: Controllers { Controllers(talk: { try self.edge.talk($1, $2) }) }

    var verify: Verify { Verify(talk: { try self.edge.talk($1, $2) }) }

    /// Runs the stages in their order, as the engine does.
    func run(upTo last: StageName, edits: [(String, String)] = []) async throws {
        try await drive(edits: edits) { run in
            for stage in recipe(upTo: last) { _ = try await stage.run(run) }
        }
    }

    /// What one stage says it did, for a coordinator of its own.
    func says(
        _ stage: any Stage, edits: [(String, String)] = [],
        options: RolloutOptions = RolloutOptions()
    ) async throws -> String {
        var said = ""
        try await drive(edits: edits, options: options) { said = try await stage.run($0) }
        return said
    }

    /// What one stage would change, for a coordinator of its own.
    func plans(_ stage: any Stage, edits: [(String, String)] = []) async throws -> [Change] {
        var changes: [Change] = []
        try await drive(edits: edits) { changes = try await stage.plan($0) }
        return changes
    }

    /// The stage stops, and says so in this way.
    func stops(
        _ stage: any Stage, edits: [(String, String)] = [],
        options: RolloutOptions = RolloutOptions(), _ sentence: Sentence,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await drive(edits: edits, options: options) { run in
            await sentence.check(sourceLocation: sourceLocation) { try await stage.run(run) }
        }
    }

    private func start(
        _ spec: ClusterSpec, _ options: RolloutOptions, _ keyID: String, _ opened: Store
    ) throws -> StageRun {
        var world = fake.world
        world.clock = PatientClock(clock: fake.clock) { await self.pass() }
        let store = opened.under(try Self.beginTerm(opened))
        let runID = fake.chance.runID()
        let driving = Driving(
            cluster: spec.cluster, epoch: try store.beginEpoch(run: runID), run: runID)
        // Questions to an agent have a clock of their own, which never ends their time.
        let downlinks = Downlinks(
            driving: driving, version: "1", store: store, clock: ManualClock(), log: log,
            renew: { _, _ in CertificateChain(pem: "") })
        let project = StageStand.project
        return StageRun(
            cluster: spec, project: project, world: world, store: store, ledger: Ledger(store),
            driving: driving, downlinks: downlinks,
            access: KubernetesAccess(
                downlinks: downlinks, cluster: spec.cluster, world: world,
                folder: "\(project.state)/kube", log: log),
            cloud: cloud(spec, world, keyID),
            package: AgentPackage(url: "http://x", sha256: Hash.sha256([])),
            pin: Hash.sha256([]), options: options, log: log,
            say: { line in
                for action in self.heard.withLock({ $0.hear(line) }) { action() }
            })
    }

    private func cloud(_ spec: ClusterSpec, _ world: World, _ keyID: String) -> Cloud {
        let secret = Secret("wJalrXUtnFEMI")
        let client = AWSClient(
            credentials: AWSCredentials(
                accessKeyID: keyID, secretAccessKey: secret, sessionToken: nil),
            region: spec.aws.region, world: world, transport: account)
        return Cloud(
            source: "environment", route53: Route53(client: client), sts: STS(client: client),
            ec2: EC2(client: client), childEnvironment: ["AWS_REGION": spec.aws.region],
            childSecrets: ["AWS_ACCESS_KEY_ID": Secret(keyID), "AWS_SECRET_ACCESS_KEY": secret],
            nameServer: { try self.account.lookup($0, at: $1) })
    }

    private func pass() async {
        let action = heard.withLock { heard in
            heard.waits += 1
            return heard.afterWaits.removeValue(forKey: heard.waits)
        }
        await action?()
        await agents.settle()
    }
}

/// A coordinator that dies while it waits.
extension Estate {
    private static let waiting: [Op] = ["nodes.wait", "nodes.stable"]

    /// Once a coordinator has waited so many times from now, its next wait of each kind ends it.
    func killWaiting(after waits: Int) {
        after(waits: waits) {
            for op in Self.waiting { self.fake.fail(op, with: Failure(.failed, "killed")) }
        }
    }

    /// What was to kill and has not yet, does not.
    func spareWaiting() {
        forgetWaits()
        for op in Self.waiting { fake.fail(op, with: Failure(.failed, "killed"), times: 0) }
    }
}

/// A clock on which nobody waits in vain: the rest of the world does its part first.
private struct PatientClock: Clocks {
    let clock: ManualClock
    let pass: @Sendable () async -> Void

    func now() -> Date { clock.now() }
    func uptime() -> Duration { clock.uptime() }

    func sleep(_ duration: Duration, op: Op) async throws {
        await pass()
        try await clock.sleep(duration, op: op)
    }
}

/// Runs `body` with estates, each with a store of its own.
func withEstates(_ body: (_ make: () throws -> Estate) async throws -> Void) async throws {
    try await withFolder(inMemory: true) { folder in
        var count = 0
        try await body {
            count += 1
            return try Estate(path: "\(folder)/\(count).db")
        }
    }
}

/// Runs `body` with one estate.
func withEstate(_ body: (Estate) async throws -> Void) async throws {
    try await withEstates { make in try await body(make()) }
}

/// What a stage says when it stops: its code, and words of what was tried, what happened and what
/// to type next.
struct Sentence: Sendable, CustomTestStringConvertible {
    let code: Failure.Code
    let says: [String]
    let fix: String

    init(_ code: Failure.Code, _ says: String..., fix: String) {
        self.code = code
        self.says = says
        self.fix = fix
    }

    var testDescription: String { says.first ?? "\(code)" }

    func check(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Any
    ) async {
        let failure = await #expect(throws: Failure.self, sourceLocation: sourceLocation) {
            _ = try await body()
        }
        guard let failure else { return }
        #expect(failure.code == code, "\(failure)", sourceLocation: sourceLocation)
        for words in says {
            #expect(failure.message.contains(words), "\(failure)", sourceLocation: sourceLocation)
        }
        #expect(failure.fix.contains(fix), "\(failure)", sourceLocation: sourceLocation)
    }
}
