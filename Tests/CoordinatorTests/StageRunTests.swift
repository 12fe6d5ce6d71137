import Model
import Outside
import Store
import Support
import Synchronization
import Testing

@testable import Coordinator

/// What becomes of real children when a person interrupts.
@Suite(.timeLimit(.minutes(1))) struct StageRunTests {
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        var all: [String] { kept.withLock { $0 } }
        func note(_ line: String) { kept.withLock { $0.append(line) } }

        func await(_ line: String) async throws {
            _ = try await World.live().clock.poll(
                every: .milliseconds(5), atMost: .seconds(20), waitingFor: line, op: "test.line"
            ) { all.contains(line) ? true : nil }
        }
    }

    private let limits = Limits(deadline: .seconds(30))

    private func shell(_ script: String) -> Command { Command("/bin/sh", ["-c", script]) }

    /// A run in a folder of its own, with real children; `said` gets its lines.
    private func withRun(
        _ body: (StageRun, _ folder: String, _ said: Lines) async throws -> Void
    ) async throws {
        let (fake, cluster) = try StageStand.prepared()
        let said = Lines()
        try await withFolder { folder in
            let store = try Store.open(path: "\(folder)/jeeves.db")
            try await StageStand.with(fake, cluster, store: store) { stand in
                let run = stand.run
                let live = StageRun(
                    cluster: run.cluster, project: Project(folder: folder, state: folder),
                    world: .live(), store: store, ledger: run.ledger, driving: run.driving,
                    downlinks: run.downlinks, access: run.access, cloud: run.cloud,
                    package: run.package, pin: run.pin, options: run.options, log: run.log,
                    say: { said.note($0) })
                try await body(live, folder, said)
            }
        }
    }

    @Test("an effect in flight is finished, which a person is told, and no other begins")
    func effect() async throws {
        try await withRun { run, folder, said in
            let (go, result) = ("\(folder)/go", "\(folder)/result")
            let script = "echo begun; while [ ! -e \(go) ]; do sleep 0.02; done; echo > \(result)"
            let work = Task {
                _ = try await run.effect(
                    shell(script), stage: .provision, limits: limits, op: "terraform.apply",
                    line: { said.note($0) })
                #expect(Task.isCancelled)
                _ = try await run.effect(
                    shell("echo > \(folder)/other"), stage: .app, limits: limits, op: "helm.upgrade"
                )
            }
            try await said.await("begun")
            work.cancel()
            try await said.await(
                "finishing terraform apply; a second Ctrl-C asks it to end")
            let files = run.world.files
            #expect(try files.info(result) == nil)
            try files.replace(go, with: [], mode: 0o600, op: "test.go")
            await #expect(throws: CancellationError.self) { try await work.value }
            #expect(try files.info(result) != nil)
            #expect(try files.info("\(folder)/other") == nil)
            let intents = try run.ledger.all()
            #expect(intents.map(\.outcome) == ["exit 0: begun"])
        }
    }

    @Test("a child that only reads is stopped at once, however it takes that")
    func read() async throws {
        try await withRun { run, _, said in
            let work = Task {
                try await run.world.processes.run(
                    shell("trap 'exit 3' TERM; echo begun; while :; do sleep 0.02; done"),
                    limits: limits, op: "kubectl", started: { _ in }, line: { said.note($0) })
            }
            try await said.await("begun")
            work.cancel()
            await #expect(throws: CancellationError.self) { try await work.value }
        }
    }

    @Test("a walk that is interrupted in its last effect begins no further stage")
    func walk() async throws {
        try await withRun { run, folder, said in
            let recipe: [any Stage] = [
                Shell(name: .provision, script: "echo begun; sleep 0.3", said: { said.note($0) }),
                Shell(name: .app, script: "echo > \(folder)/other", said: { _ in }),
            ]
            let work = Task {
                try await Engine(
                    recipe: recipe, run: run, children: ChildTime(), progress: { _ in }
                ).walk()
            }
            try await said.await("begun")
            work.cancel()
            await #expect(throws: CancellationError.self) { try await work.value }
            #expect(try run.world.files.info("\(folder)/other") == nil)
            let rollout = try run.store.get(
                Rollout.self, .rollouts, run.driving.run.rawValue)
            #expect(rollout?.state == .interrupted)
            #expect(rollout?.stages.map(\.state) == [.done, .interrupted])
        }
    }

    @Test("a rollout that is aborted finishes its effect, begins no more, and says how to go on")
    func abort() async throws {
        try await withRun { run, folder, said in
            let script = "echo begun; while [ ! -e \(folder)/go ]; do sleep 0.02; done"
            let recipe: [any Stage] = [
                Shell(name: .provision, script: script, said: { said.note($0) }),
                Shell(name: .app, script: "echo > \(folder)/other", said: { _ in }),
            ]
            let work = Task {
                try await Engine(
                    recipe: recipe, run: run, children: ChildTime(), progress: { _ in }
                ).walk()
            }
            try await said.await("begun")
            let order = Order(rollout: run.driving.run, wish: .abort, by: "ann@desk")
            try Orders(store: run.store).give(order, now: run.world.clock.now())
            try await said.await("finishing shell provision; a second Ctrl-C asks it to end")
            try run.world.files.replace("\(folder)/go", with: [], mode: 0o600, op: "test.go")
            await Sentence(
                .failed, "ann@desk aborted it; stage app may be half done",
                fix: "run `jeeves up` to go on"
            ).check { _ = try await work.value }
            #expect(try run.world.files.info("\(folder)/other") == nil)
            let rollout = try Rollouts(run.store).last()
            #expect(rollout?.state == .aborted)
            #expect(rollout?.stages.map(\.state) == [.done, .aborted])
            #expect(try run.ledger.open().isEmpty)
        }
    }

    @Test("an effect that outstays its deadline is never killed: the next run waits for its end")
    func overstay() async throws {
        try await withRun { run, folder, said in
            let helm = shell(
                "trap '' TERM; echo begun; while [ ! -e \(folder)/go ]; do sleep 0.02; done")
            let limits = Limits(deadline: .milliseconds(500), grace: .milliseconds(100))
            let failure = await #expect(throws: Failure.self) {
                try await run.effect(helm, stage: .app, limits: limits, op: "helm.upgrade")
            }
            #expect(failure?.code == .timeout)
            #expect(failure?.message.contains("still runs") == true)
            let child = try #require(try run.ledger.open(op: "helm.upgrade").first?.child)
            #expect(run.world.processes.isAlive(child))
            let next = Task {
                try await run.effect(
                    shell("exit 0"), stage: .app, limits: self.limits, op: "helm.upgrade")
            }
            try await said.await(
                "waiting for the helm.upgrade of an earlier run (pid \(child.pid))")
            try run.world.files.replace("\(folder)/go", with: [], mode: 0o600, op: "test.go")
            let finished = try await next.value
            #expect(finished.succeeded && !run.world.processes.isAlive(child))
            let events = try run.store.events(last: 10)
            #expect(events.map(\.subject).allSatisfy { $0 == "effect/helm.upgrade" })
            #expect(events.map(\.outcome) == [.started, .failed, .started, .done])
        }
    }

    /// A stage whose whole work is one effect.
    private struct Shell: Stage {
        let name: StageName
        let script: String
        let said: @Sendable (String) -> Void

        func plan(_ run: StageRun) async throws -> [Change] { [] }

        func run(_ run: StageRun) async throws -> String {
            _ = try await run.effect(
                Command("/bin/sh", ["-c", script]), stage: name,
                limits: Limits(deadline: .seconds(30)), op: "shell.\(name.rawValue)",
                line: { said($0) })
            return "done"
        }
    }
}
