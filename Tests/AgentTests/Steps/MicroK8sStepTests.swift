import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct MicroK8sStepTests {
    let step = MicroK8sStep(
        id: StepID(unchecked: "microk8s"),
        spec: MicroK8sSpec(
            role: .controller, channel: "1.34/stable", addons: ["dns", "hostpath-storage", "rbac"],
            extraSANs: ["10.1.2.3"]),
        state: "/var/lib/jeeves", reach: {})

    func node(_ change: (inout FakeMicroK8s.State) -> Void = { _ in }) -> FakeMicroK8s {
        let node = FakeMicroK8s(FakeWorld())
        node.fake.files.directory("/var/lib/jeeves")
        node.state.withLock { change(&$0) }
        return node
    }

    func applyFailure(_ node: FakeMicroK8s) async -> Failure? {
        await #expect(throws: Failure.self) { try await step.apply(node.fake.world) }
    }

    @Test("nothing is written where MicroK8s is installed, held, ready and has its add-ons")
    func alreadyRight() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        node.fake.forgetOps()
        try await converge(step, node.fake.world)
        #expect(node.fake.ops.isEmpty)
        #expect(await step.detail(node.fake.world) == "v1.34.1, revision 8511")
    }

    @Test("it says what snapd does for it, and what it waits for")
    func telling() async throws {
        let (lines, said) = AsyncStream<String>.makeStream()
        let node = node()
        try await step.apply(node.fake.world) { said.yield($0) }
        said.finish()
        var told: [String] = []
        for await line in lines where told.last != line { told.append(line) }
        #expect(told == ["S", "waiting for it to be ready"])
    }

    @Test("the launch configuration is there before the install, and the hold comes right after")
    func differs() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        #expect(
            node.fake.ops == [
                "microk8s.folder", "microk8s.configuration", "microk8s.channels",
                "snap.install", "snap.hold",
                "microk8s.status", "microk8s.record",
            ])
        #expect(
            node.state.withLock { $0.held && $0.addons == ["dns", "hostpath-storage", "rbac"] })
        #expect(node.fake.units.ran.allSatisfy { $0.name.hasPrefix("jeeves-op-microk8s-") })
        #expect(node.fake.files.mode(of: MicroK8s.launchConfiguration) == 0o600)
    }

    @Test("a crash after any effect is repaired by the next pass")
    func crashes() async throws {
        try await crashMatrix(
            setup: { node { $0.launches = false }.fake }, run: { try await converge(step, $0) },
            verify: { fake in
                let condition = try await step.check(fake.world)
                #expect(condition == .right)
                #expect(fake.ops.filter { $0 == "snap.install" }.count == 1)
            })
    }

    @Test("an install that runs already is awaited and not started again")
    func adopted() async throws {
        let node = node { $0.running = (5, "install") }
        node.fake.files[MicroK8s.launchConfiguration] = try MicroK8s.launchText(step.spec)
        try await converge(step, node.fake.world)
        #expect(!node.fake.ops.contains("snap.install"))
        #expect(node.fake.ops.contains("snap.hold"))
    }

    @Test("add-ons that the launch configuration did not bring are enabled one at a time")
    func addons() async throws {
        let node = node { $0.launches = false }
        try await converge(step, node.fake.world)
        let enabled = node.fake.units.ran.map(\.command.arguments).filter { $0[0] == "enable" }
        #expect(enabled == [["enable", "dns"], ["enable", "hostpath-storage"]])
    }

    @Test("a refresh that is no longer held is held again, without an install")
    func unheld() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        node.state.withLock { $0.held = false }
        node.fake.forgetOps()
        #expect(
            try await step.check(node.fake.world)
                == .differs([Difference("refresh", found: "not held", wanted: "held")]))
        try await converge(step, node.fake.world)
        #expect(node.fake.ops.first == "snap.hold")
        #expect(!node.fake.ops.contains("snap.install"))
    }

    @Test("a disabled snap is enabled")
    func disabled() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        node.state.withLock { $0.active = false }
        try await converge(step, node.fake.world)
        #expect(node.state.withLock { $0.active })
    }

    @Test("a channel that a person chose is never refreshed away")
    func channel() async throws {
        let node = node {
            $0.installed = true
            $0.channel = "1.33/stable"
        }
        #expect(await applyFailure(node)?.code == .conflict)
        #expect(await applyFailure(node)?.code == .conflict, "nor at the second try")
        #expect(node.state.withLock { $0.channel } == "1.33/stable")
    }

    /// The same step after the cluster file has named another channel.
    private func step(_ channel: String) -> MicroK8sStep {
        MicroK8sStep(
            id: step.id,
            spec: MicroK8sSpec(
                role: .controller, channel: channel, addons: step.spec.addons,
                extraSANs: step.spec.extraSANs),
            state: step.state, reach: {})
    }

    @Test("a new channel in the spec is refreshed to, once")
    func refreshed() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        node.fake.forgetOps()
        try await converge(step("1.35/stable"), node.fake.world)
        #expect(node.state.withLock { $0.channel } == "1.35/stable")
        #expect(node.fake.ops.filter { $0 == "snap.refresh" }.count == 1)
        try await converge(step("1.34/stable"), node.fake.world)
        #expect(node.state.withLock { $0.channel } == "1.34/stable", "and back again")
        // What a person does afterwards is theirs.
        node.state.withLock { $0.channel = "1.36/stable" }
        #expect(await applyFailure(node)?.code == .conflict)
    }

    @Test("a crash anywhere in a refresh is repaired by the next pass, with one refresh")
    func refreshCrashes() async throws {
        try await crashMatrix(
            setup: {
                let node = node()
                try await converge(step, node.fake.world)
                node.fake.forgetOps()
                return node.fake
            },
            run: { try await converge(step("1.35/stable"), $0) },
            verify: { fake in
                let condition = try await step("1.35/stable").check(fake.world)
                #expect(condition == .right)
                #expect(fake.ops.filter { $0 == "snap.refresh" }.count == 1)
            })
    }

    @Test("snapd busy with the snap is tried again later")
    func busy() async throws {
        let node = node()
        node.fake.network.on("POST", Snapd.socket, "/v2/snaps/microk8s") { _ in
            FakeMicroK8s.refusal("snap-change-conflict")
        }
        #expect(await applyFailure(node)?.code == .unavailable)
    }

    @Test("a failing install hook is told in its own words")
    func hook() async throws {
        #expect(
            await applyFailure(node { $0.hookFails = true })?.message
                == "installing microk8s from 1.34/stable: ERROR install hook: bad")
    }

    @Test("a MicroK8s that never becomes ready ends with the end of its log, though it exits 0")
    func neverReady() async throws {
        let failure = await applyFailure(node { $0.ready = false })
        #expect(failure?.code == .timeout)
        #expect(failure?.message.contains("microk8s is not running") == true)
        #expect(failure?.message.hasSuffix("Failed to apply configuration file") == true)
    }

    @Test("a launch configuration that is tried for ever ends at a deadline")
    func neverApplied() async throws {
        let node = node()
        node.fake.files[MicroK8s.pendingConfiguration] = "version: 0.2.0\n"
        let failure = await applyFailure(node)
        #expect(failure?.code == .timeout)
        #expect(failure?.message.hasSuffix("Failed to apply configuration file") == true)
    }

    @Test("a configuration that would be read instead of ours stops the install")
    func overridden() async throws {
        let node = node()
        node.fake.files["/etc/microk8s.yaml"] = "version: 0.1.0\n"
        #expect(await applyFailure(node)?.code == .conflict)
        #expect(node.fake.ops.isEmpty)
    }

    @Test("an API server that does not answer is a difference")
    func silent() async throws {
        let node = node()
        try await converge(step, node.fake.world)
        let deaf = MicroK8sStep(
            id: step.id, spec: step.spec, state: step.state,
            reach: { throw Failure(.unavailable, "refused") })
        let wanted = Difference("API server", found: "calling it: refused", wanted: "answers")
        #expect(try await deaf.check(node.fake.world) == .differs([wanted]))
    }

    @Test("a worker that joined is right without asking MicroK8s anything")
    func member() async throws {
        let node = node {
            $0.installed = true
            $0.held = true
        }
        node.become(workerOf: "10.1.2.3")
        let worker = MicroK8sStep(
            id: step.id, spec: MicroK8sSpec(role: .worker, channel: "1.34/stable", addons: []),
            state: step.state, reach: { throw Failure(.unavailable, "the controller is down") })
        try await converge(worker, node.fake.world)
        #expect(node.fake.ops.isEmpty)
    }
}
