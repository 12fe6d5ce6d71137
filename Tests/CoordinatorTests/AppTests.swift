import Model
import Outside
import Store
import Support
import Synchronization
import Testing

@testable import Coordinator

@Suite struct AppTests {
    private func withStand(
        edits: [(String, String)] = [],
        _ body: (FakeWorld, FakeCluster, StageRun) async throws -> Void
    ) async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            try await StageStand.with(fake, cluster, store: store, edits: edits) { stand in
                try await body(fake, cluster, stand.run)
            }
        }
    }

    @Test("an empty cluster gets the Secret and the release; a second run changes nothing")
    func converges() async throws {
        try await withStand { fake, cluster, run in
            let planned = try await App().plan(run)
            #expect(planned.map(\.action) == [.update, .create])
            #expect(fake.changes.isEmpty, "a plan only reads")
            #expect(try await App().run(run) == "Rocket.Chat 8.6.1")
            #expect(fake.changes == ["kubectl apply", "helm upgrade"])
            #expect(cluster.look { $0.secret?.value } == StageStand.uri)
            let values = cluster.look { $0.values }
            #expect(values.contains(#""existingMongodbSecret":"jeeves-mongodb""#))
            #expect(try await App().run(run) == nothingToDo)
            #expect(try await App().plan(run).isEmpty)
            #expect(fake.changes == ["kubectl apply", "helm upgrade"])
        }
    }

    @Test("a plan of a change has what Helm renders otherwise, without the secrets in it")
    func rendered() async throws {
        let licence = ("licenseFile: \"\"", "licenseFile: /p/l")
        try await withStand(edits: [licence]) { fake, _, run in
            fake.files.put(Array("LICENCE-1".utf8), at: "/p/l", mode: 0o600)
            _ = try await App().run(run)
            fake.files.put(Array("LICENCE-2".utf8), at: "/p/l", mode: 0o600)
            var other = run
            other.cluster.app.version = "8.7.0"
            let before = fake.changes
            let planned = try await App().plan(other)
            #expect(planned.map(\.subject) == ["release/rocketchat", "deployment/chat"])
            #expect(planned.last?.effects == [.restart])
            #expect(planned.last?.diff.contains("8.7.0") == true)
            #expect(planned.allSatisfy { !$0.diff.contains("LICENCE") })
            #expect(fake.changes == before, "a plan only reads")
        }
    }

    @Test("pods that Helm did not wait for are waited for")
    func pods() async throws {
        try await withStand { fake, cluster, run in
            cluster.change { $0.available = [0, 0, 0] }
            let start = fake.clock.uptime()
            let said = try await App().run(run)
            #expect(said == "Rocket.Chat 8.6.1")
            #expect(fake.clock.uptime() - start >= .seconds(6))
            #expect(cluster.look(\.available).isEmpty)
        }
    }

    @Test("while Helm works its pods are counted, if somebody looks on", .timeLimit(.minutes(1)))
    func watched() async throws {
        try await withStand { fake, _, run in
            let (shown, note) = AsyncStream<Activity>.makeStream()
            var world = fake.world
            world.processes = PatientProcesses(wrapped: fake.processes, shown: shown)
            var other = run.in(world)
            let last = Mutex<Activity?>(nil)
            other.show = { activity in
                last.withLock { $0 = activity }
                note.yield(activity)
            }
            let said = try await App().run(other)
            #expect(said == "Rocket.Chat 8.6.1")
            let counted = last.withLock { $0 }
            #expect(counted?.subject == "pods")
            #expect(counted?.total != nil)
        }
    }

    @Test("pods that never come are told with the reason, at the deadline or once it is given up")
    func noPods() async throws {
        try await withStand { fake, cluster, run in
            cluster.change { $0.available = Array(repeating: 0, count: 10_000) }
            let sentence = Sentence(
                .timeout, "waiting for the pods of rocketchat", "ImagePullBackOff",
                fix: "describe pods")
            await sentence.check { try await App().run(run) }
            let start = fake.clock.uptime()
            await sentence.check { try await App().run(run) }
            #expect(fake.clock.uptime() - start >= .seconds(600), "also if nothing is to be done")
            cluster.change { $0.isStuck = true }
            let again = fake.clock.uptime()
            await Sentence(.timeout, "the cluster gave up on deployment chat", fix: "describe")
                .check { try await App().run(run) }
            #expect(fake.clock.uptime() - again < .seconds(10))
        }
    }

    @Test("no secret is in any argument, environment, file of ours or the ledger")
    func secrecy() async throws {
        try await withStand(edits: [("licenseFile: \"\"", "licenseFile: /p/l")]) { fake, _, run in
            fake.files.put(Array("LICENCE".utf8), at: "/p/l", mode: 0o600)
            _ = try await App().run(run)
            for command in fake.processes.commands {
                for text in command.arguments + command.environment.map({ "\($0)=\($1)" }) {
                    #expect(!text.contains("s3cret") && !text.contains("LICENCE"))
                }
            }
            for path in fake.files.paths where !["/p/mongodb.uri", "/p/l"].contains(path) {
                #expect(fake.files[path]?.contains("s3cret") == false, "\(path)")
                #expect(fake.files[path]?.contains("LICENCE") == false, "\(path)")
            }
            #expect(try !"\(run.ledger.all())".contains("s3cret"))
        }
    }

    @Test("killed after any of its effects, it ends with one deployed release")
    func crashes() async throws {
        try await StageStand.crashes(App()) { fake, cluster in
            #expect(cluster.statuses() == ["deployed"])
            #expect(cluster.look { $0.secret?.version } == 1)
            #expect(fake.changes == ["kubectl apply", "helm upgrade"])
        }
    }

    @Test(
        "a first install or a removal that was cut off is taken away and made again",
        arguments: ["pending-install", "uninstalling"])
    func pending(status: String) async throws {
        try await withStand { fake, cluster, run in
            cluster.change { FakeCluster.add(status, "cut off", to: &$0) }
            _ = try await App().run(run)
            #expect(fake.changes == ["kubectl apply", "helm uninstall", "helm upgrade"])
            #expect(cluster.statuses() == ["deployed"])
        }
    }

    @Test("an upgrade that was cut off goes back to the last revision that ran, then on")
    func pendingUpgrade() async throws {
        try await withStand { fake, cluster, run in
            _ = try await App().run(run)
            cluster.change {
                FakeCluster.add("failed", "Upgrade failed", to: &$0)
                FakeCluster.add("pending-upgrade", "Preparing upgrade", to: &$0)
            }
            _ = try await App().run(run)
            #expect(fake.changes.suffix(2) == ["helm rollback", "helm upgrade"])
            #expect(fake.processes.argvs.contains { $0.contains("rollback") && $0.contains("1") })
            #expect(cluster.statuses().last == "deployed")
        }
    }

    @Test(
        "a release that served is never taken away, though its Helm was cut off at the very end",
        arguments: ["pending-upgrade", "uninstalling"])
    func superseded(status: String) async throws {
        try await withStand { fake, cluster, run in
            _ = try await App().run(run)
            cluster.change {
                $0.revisions[0]["status"] = "superseded"
                FakeCluster.add(status, "Preparing upgrade", to: &$0)
            }
            let planned = try await App().plan(run)
            #expect(planned.map(\.action) == [.update])
            #expect(planned.first?.detail.contains("back to 1 first") == true)
            _ = try await App().run(run)
            #expect(fake.changes.suffix(2) == ["helm rollback", "helm upgrade"])
            #expect(!fake.changes.contains("helm uninstall"))
            #expect(cluster.statuses().last == "deployed")
        }
    }

    @Test("a Helm of a killed coordinator is awaited before its release is judged")
    func survivor() async throws {
        try await withStand { fake, cluster, run in
            let child = ChildID(pid: 77, startTicks: 7)
            fake.processes.survive(child)
            let intent = try run.ledger.begin(
                "app", op: "helm.upgrade", inputs: run.pin, now: run.world.clock.now())
            try run.ledger.attach(child, to: intent)
            cluster.change { FakeCluster.add("pending-install", "Initial install", to: &$0) }
            // It ends by itself after a while, and its release is deployed then.
            let counted = CountingProcesses(wrapped: fake.processes, child: child) {
                cluster.change { state in
                    for index in state.revisions.indices {
                        state.revisions[index]["status"] = "deployed"
                    }
                }
            }
            var world = run.world
            world.processes = counted
            _ = try await App().run(run.in(world))
            #expect(!fake.changes.contains("helm uninstall"))
            #expect(!fake.changes.contains("helm rollback"))
        }
    }

    @Test("another URI changes the Secret and starts the pods anew, before the release is marked")
    func otherDatabase() async throws {
        try await withStand { fake, cluster, run in
            _ = try await App().run(run)
            let other = StageStand.uri.replacing("s3cret", with: "n3w")
            fake.files.put(Array(other.utf8), at: "/p/mongodb.uri", mode: 0o600)
            let planned = try await App().plan(run)
            #expect(planned.map(\.subject) == ["secret/jeeves-mongodb", "release/rocketchat"])
            #expect(planned.last?.effects == [.restart], "a plan says so before")
            _ = try await App().run(run)
            #expect(cluster.look { $0.secret?.value } == other)
            #expect(
                fake.changes.suffix(3) == ["kubectl apply", "kubectl restart", "helm upgrade"])
            #expect(try await App().run(run) == nothingToDo)
        }
    }

    @Test("a release that somebody rolled back by hand is brought forward again")
    func rolledBack() async throws {
        try await withStand { fake, cluster, run in
            _ = try await App().run(run)
            cluster.change { FakeCluster.add("deployed", "Rollback to 1", to: &$0) }
            #expect(try await App().run(run) == "Rocket.Chat 8.6.1")
        }
    }

    @Test("a Helm that gave up is explained by its pods and the newest warnings")
    func timeout() async throws {
        try await withStand { fake, cluster, run in
            cluster.change { $0.upgradeError = "Error: context deadline exceeded" }
            let failure = await #expect(throws: Failure.self) { try await App().run(run) }
            #expect(failure?.code == .timeout)
            #expect(failure?.message.contains("chat-1/chat: ImagePullBackOff") == true)
            #expect(failure?.message.contains("no image") == true)
            cluster.change { $0.upgradeError = nil }
            let second = try await App().run(run)
            #expect(second == "Rocket.Chat 8.6.1")
        }
    }

    @Test("Helm gives up before we ask it to end, and gets long to do so")
    func limits() async throws {
        try await withStand { fake, _, run in
            _ = try await App().run(run)
            let index = try #require(fake.processes.argvs.firstIndex { $0.contains("upgrade") })
            let limits = fake.processes.limits[index]
            #expect(limits.deadline > .seconds(run.cluster.app.timeoutSeconds))
            #expect(limits.grace >= .seconds(300))
        }
    }

    @Test(
        "a URI that others may read, that is not there, or is none, is refused before anything",
        arguments: [
            (StageStand.uri, UInt16(0o640), Failure.Code.unauthorized, "chmod 600"),
            (StageStand.uri, 0o604, .unauthorized, "chmod 600"),
            ("", 0o600, .invalid, "empty"), ("postgres://x", 0o600, .invalid, "one URI"),
            ("mongodb://a\nmongodb://b", 0o600, .invalid, "one URI"),
        ])
    func badFiles(text: String, mode: UInt16, code: Failure.Code, said: String) async throws {
        try await withStand { fake, _, run in
            fake.files["/p/mongodb.uri"] = nil
            let missing = await #expect(throws: Failure.self) { try await App().run(run) }
            #expect(missing?.code == .notFound)
            fake.files.put(Array(text.utf8), at: "/p/mongodb.uri", mode: mode)
            let failure = await #expect(throws: Failure.self) { try await App().run(run) }
            #expect(failure?.code == code)
            #expect(failure?.description.contains(said) == true)
            #expect(failure?.description.contains("s3cret") == false)
            #expect(fake.changes.isEmpty)
        }
    }

    @Test("the bundled database's passwords are made once, private, and kept")
    func bundled() async throws {
        try await withStand(edits: bundledEdits) { fake, cluster, run in
            _ = try await App().plan(run)
            let path = "/p/.jeeves/kube/mongodb.json"
            #expect(fake.files[path] == nil, "a plan only reads")
            _ = try await App().run(run)
            let made = fake.files[path]
            #expect(made != nil)
            #expect(fake.files.mode(of: path) == 0o600)
            #expect(try await App().run(run) == nothingToDo)
            #expect(fake.files[path] == made)
            #expect(fake.changes == ["helm upgrade"])
        }
    }

    @Test("a changed local chart is installed anew")
    func localChart() async throws {
        try await withStand(edits: [("path: \"\"", "path: chart")]) { fake, _, run in
            fake.files["/p/chart/Chart.yaml"] = "version: 1"
            fake.files["/p/chart/templates/a.yaml"] = "a"
            _ = try await App().run(run)
            #expect(try await App().run(run) == nothingToDo)
            fake.files["/p/chart/templates/a.yaml"] = "b"
            #expect(try await App().run(run) == "Rocket.Chat 8.6.1")
            #expect(fake.processes.argvs.contains { $0.contains("/p/chart") })
        }
    }

    @Test("a local chart that lies elsewhere, as after a restore, is the same one")
    func movedChart() async throws {
        try await withStand(edits: [("path: \"\"", "path: chart")]) { fake, _, run in
            for folder in ["chart", "moved"] {
                fake.files["/p/\(folder)/Chart.yaml"] = "version: 1"
                fake.files["/p/\(folder)/templates/a.yaml"] = "a"
            }
            _ = try await App().run(run)
            var moved = run
            moved.cluster.app.chart.path = "moved"
            #expect(try await App().run(moved) == nothingToDo)
        }
    }
}

extension StageRun {
    fileprivate func `in`(_ world: World) -> StageRun {
        StageRun(
            cluster: cluster, project: project, world: world, store: store, ledger: ledger,
            driving: driving, downlinks: downlinks, access: access, cloud: cloud,
            package: package, pin: pin, options: options, log: log, say: say)
    }
}

/// Children of which Helm's upgrade does not end before its pods were shown.
private struct PatientProcesses: Processes {
    let wrapped: FakeProcesses
    let shown: AsyncStream<Activity>

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        if op == "helm.upgrade" {
            for await activity in shown where activity.subject == "pods" { break }
        }
        return try await wrapped.run(
            command, limits: limits, op: op, started: started, line: line)
    }

    func isAlive(_ child: ChildID) -> Bool { wrapped.isAlive(child) }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        try await wrapped.askToEnd(child, op: op)
    }
}

/// One child that is alive the first few times somebody asks; then it has ended.
private final class CountingProcesses: Processes {
    let wrapped: FakeProcesses
    let child: ChildID
    let ended: @Sendable () -> Void
    private let left = Mutex(3)

    init(wrapped: FakeProcesses, child: ChildID, ended: @escaping @Sendable () -> Void) {
        self.wrapped = wrapped
        self.child = child
        self.ended = ended
    }

    func run(
        _ command: Command, limits: Limits, op: Op,
        started: @escaping @Sendable (ChildID) async throws -> Void,
        line: @escaping @Sendable (String) async -> Void
    ) async throws -> Finished {
        try await wrapped.run(command, limits: limits, op: op, started: started, line: line)
    }

    func isAlive(_ asked: ChildID) -> Bool {
        let count = left.withLock { left in
            left -= 1
            return left
        }
        if count == 0 {
            wrapped.end(child)
            ended()
        }
        return wrapped.isAlive(asked)
    }

    func askToEnd(_ child: ChildID, op: Op) async throws {
        try await wrapped.askToEnd(child, op: op)
    }
}
