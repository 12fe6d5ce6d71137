import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct JoinStepTests {
    let step = JoinStep(
        id: StepID(unchecked: "join"), spec: JoinSpec(controller: "10.1.2.3"))

    func member(of controller: String) -> FakeMicroK8s {
        let node = FakeMicroK8s(FakeWorld())
        node.become(workerOf: controller)
        return node
    }

    @Test("a member of the right cluster is right, and nothing is written")
    func alreadyRight() async throws {
        let node = member(of: "10.1.2.3")
        try await converge(step, node.fake.world)
        #expect(node.fake.ops.isEmpty)
        #expect(await step.detail(node.fake.world) == "member of 10.1.2.3")
    }

    @Test("a worker stays a member while the controller that it joined through is away")
    func otherControllers() async throws {
        let many = JoinStep(
            id: step.id, spec: JoinSpec(controller: "10.1.2.3", others: ["10.1.2.4"]))
        let node = member(of: "10.1.2.4")
        #expect(try await many.check(node.fake.world) == .right)
        #expect(try await step.check(node.fake.world) != .right)
    }

    @Test("a controller is a member once its datastore has another controller in it")
    func controlPlane() async throws {
        let join = JoinStep(
            id: step.id,
            spec: JoinSpec(controller: "10.1.2.3", others: ["10.1.2.5"], role: .controller))
        let node = FakeMicroK8s(FakeWorld())
        #expect(try await join.check(node.fake.world) == .missing)
        node.become(controllerWith: "127.0.0.1")
        #expect(try await join.check(node.fake.world) == .missing, "a datastore of its own")
        node.become(controllerWith: "10.1.2.4", "10.1.2.5")
        #expect(try await join.check(node.fake.world) == .right)
        node.become(controllerWith: "10.1.2.4", "10.9.9.9")
        let wanted = Difference("control plane", found: "10.1.2.4 10.9.9.9", wanted: "10.1.2.3")
        #expect(try await join.check(node.fake.world) == .differs([wanted]))
    }

    @Test("without a ticket it waits, and says for what")
    func waits() async throws {
        let fake = FakeWorld()
        #expect(try await step.check(fake.world) == .missing)
        let failure = await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message == "joining 10.1.2.3: waiting for a ticket")
        #expect(fake.ops.isEmpty)
    }

    @Test("a member of another cluster is told and left alone")
    func elsewhere() async throws {
        let node = member(of: "10.9.9.9")
        let wanted = Difference("control plane", found: "10.9.9.9", wanted: "10.1.2.3")
        #expect(try await step.check(node.fake.world) == .differs([wanted]))
        let failure = await #expect(throws: Failure.self) {
            try await step.apply(node.fake.world)
        }
        #expect(failure?.code == .conflict)
        #expect(node.fake.ops.isEmpty)
    }

    @Test("leaving repeats after a crash and ends without membership")
    func leaves() async throws {
        try await crashMatrix(
            setup: {
                let fake = member(of: "10.1.2.3").fake
                fake.units.on("microk8s", "leave") { _ in
                    fake.files[MicroK8s.workerLock] = nil
                    return Finished(ending: .exited(0))
                }
                return fake
            }, run: { try await step.remove($0) },
            verify: { fake in
                let condition = try await step.check(fake.world)
                #expect(condition == .missing)
            })
    }

    @Test("a leave that exits 0 and does nothing is a failure")
    func leaveLies() async throws {
        let node = member(of: "10.1.2.3")
        node.fake.units.on("microk8s", "leave") { _ in Finished(ending: .exited(0)) }
        let failure = await #expect(throws: Failure.self) {
            try await step.remove(node.fake.world)
        }
        #expect(failure?.code == .failed)
    }
}
