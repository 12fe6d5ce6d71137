import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Support
import Synchronization
import Testing
import Wire

@testable import Coordinator

/// What stops a coordinator before it opens any door.
@Suite struct DriverTests {
    fileprivate let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    fileprivate static let keys = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"]

    private func drive(
        _ project: Project, _ world: World, environment: [String: String] = [:]
    ) async throws {
        _ = try await Driver.drive(
            Driver.Request(
                project: project,
                environment: environment.merging(["AWS_EC2_METADATA_DISABLED": "true"]) { $1 },
                options: RolloutOptions(), actor: "bob@ci"),
            world: world, log: log, progress: { _ in }
        ) { _ in Issue.record("it drives") }
    }

    @Test("a folder without a cluster file, or without a state folder, says what to type")
    func empty() async throws {
        try await withFounded { project, world in
            let other = Project(folder: project.folder, clusterFile: "\(project.folder)/no.yaml")
            await Sentence(.notFound, "no.yaml: it is not there", fix: "run `jeeves init`").check {
                try await drive(other, world)
            }
            let bare = Project(folder: project.folder, state: "\(project.folder)/none")
            await Sentence(
                .notFound, "opening the state folder \(project.folder)/none: it holds no cluster",
                fix: "run `jeeves init`"
            ).check { try await drive(bare, world) }
        }
    }

    @Test("without credentials it says where it looked, and gives its claim back")
    func credentials() async throws {
        try await withFounded { project, world in
            await Sentence(
                .notFound, "looking for AWS credentials: none in the environment",
                fix: "set AWS_PROFILE"
            ).check { try await drive(project, world) }
            let lease = try Store.open(path: project.store).lease()
            #expect(lease == nil)
        }
    }

    @Test("without the agent's package it says how to get one")
    func package() async throws {
        try await withFounded { project, world in
            try world.edit(project, [("file: \"\"", "file: /nowhere/agent.deb")])
            await Sentence(
                .notFound, "reading the agent's package /nowhere/agent.deb: it is not there",
                fix: "install the package `jeeves`, or set `agent.package`"
            ).check { try await drive(project, world, environment: Self.keys) }
        }
    }

    @Test("a port that another program has is named")
    func port() async throws {
        try await withFounded { project, world in
            let other = try await LocalListener.bind()
            let digest = String(repeating: "0", count: 64)
            try world.edit(
                project,
                [
                    ("listen: 0.0.0.0:7443", "listen: 127.0.0.1:\(other.port)"),
                    ("url: \"\"", "url: http://x/a.deb\n    sha256: \"\(digest)\""),
                ])
            await Sentence(
                .conflict, "listening on 127.0.0.1:\(other.port): another program uses that port",
                fix: "stop it (`ss -ltnp` names it) or set another port"
            ).check { try await drive(project, world, environment: Self.keys) }
            await other.close()
            let lease = try Store.open(path: project.store).lease()
            #expect(lease == nil, "its claim is given back")
        }
    }

    @Test("a state folder that another coordinator drives is left alone")
    func driven() async throws {
        try await withFounded { project, outside in
            let store = try Store.open(path: project.store)
            let clock = FakeWorld().clock
            let held = try store.acquireLease(
                holder: "ann@desk, run a", now: clock.now(), ttl: Tenure.ttl)
            var world = outside
            world.clock = BusyClock(clock: clock) {
                _ = try store.renew(held, now: clock.now(), ttl: Tenure.ttl)
            }
            await Sentence(
                .locked, "becoming the coordinator: ann@desk, run a is it, since 2026-01-01",
                fix: "wait for it to end, or stop it"
            ).check { try await drive(project, world) }
            #expect(try store.lease()?.holder == "ann@desk, run a")
        }
    }
}

extension DriverTests {
    @Test(
        "`jeeves serve` and `jeeves up` never both drive: who holds the place is told, or awaited")
    func twoDrivers() async throws {
        try await withFounded { project, world in
            let free = try await LocalListener.bind()
            await free.close()
            let digest = String(repeating: "0", count: 64)
            try world.edit(
                project,
                [
                    ("listen: 0.0.0.0:7443", "listen: 127.0.0.1:\(free.port)"),
                    ("url: \"\"", "url: http://x/a.deb\n    sha256: \"\(digest)\""),
                ])
            let (driven, driving) = AsyncStream<Void>.makeStream()
            let serving = Task { [world] in
                try await drive(project, world, by: "ann@desk", verb: "jeeves serve") { _ in
                    driving.finish()
                    try await world.clock.sleep(.seconds(600), op: "test.serve")
                }
            }
            for await _ in driven {}
            var beside = world
            let store = try Store.open(path: project.store)
            let clock = ManualClock(now: world.clock.now(), autoAdvance: true)
            let isEnding = Mutex(false)
            beside.clock = BusyClock(clock: clock) {
                // On this clock too the holder renews as it does every five seconds, and never
                // again once it may have given the place back.
                guard let held = try store.lease(), held.holder.hasPrefix("ann@desk"),
                    !isEnding.withLock({ $0 })
                else { return }
                _ = try? store.renew(held, now: clock.now(), ttl: Tenure.ttl)
            }
            await Sentence(
                .locked, "becoming the coordinator: ann@desk, jeeves serve, run",
                fix: "`jeeves up --wait` begins then"
            ).check { [beside] in
                try await drive(project, beside, by: "bob@ci", verb: "jeeves up") { _ in
                    Issue.record("both drive")
                }
            }
            try await drive(
                project, beside, by: "bob@ci", verb: "jeeves up", waits: true,
                say: { line in
                    if line.hasPrefix("waiting for ann@desk, jeeves serve") {
                        isEnding.withLock { $0 = true }
                        serving.cancel()
                    }
                }
            ) { _ in
                let held = try store.lease()
                #expect(held?.holder.hasPrefix("bob@ci, jeeves up, run") == true)
            }
            await #expect(throws: CancellationError.self) { try await serving.value }
        }
    }

    private func drive(
        _ project: Project, _ world: World, by actor: String, verb: String, waits: Bool = false,
        say: @escaping @Sendable (String) -> Void = { _ in },
        _ body: @Sendable @escaping (Driver) async throws -> Void
    ) async throws {
        try await Driver.drive(
            Driver.Request(
                project: project,
                environment: Self.keys.merging(["AWS_EC2_METADATA_DISABLED": "true"]) { $1 },
                options: RolloutOptions(), actor: actor, verb: verb, waits: waits),
            world: world, log: log,
            progress: { progress in if case .line(let text) = progress { say(text) } }, body)
    }
}

extension World {
    /// Changes the project's cluster file.
    fileprivate func edit(_ project: Project, _ edits: [(String, String)]) throws {
        let text = edits.reduce(try files.text(project.clusterFile) ?? "") {
            $0.replacing($1.0, with: $1.1)
        }
        try files.replace(
            project.clusterFile, with: Array(text.utf8), mode: 0o644, op: "test.edit")
    }
}

/// A clock beside which somebody else is busy: whenever we sleep, they act.
private struct BusyClock: Clocks {
    let clock: ManualClock
    let act: @Sendable () throws -> Void

    func now() -> Date { clock.now() }
    func uptime() -> Duration { clock.uptime() }

    func sleep(_ duration: Duration, op: Op) async throws {
        try await clock.sleep(duration, op: op)
        try act()
    }
}
