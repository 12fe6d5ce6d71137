import Model
import Support
import Synchronization
import Testing

@testable import Agent
@testable import Coordinator

/// What a node does while its coordinator comes and goes.
@Suite(.timeLimit(.minutes(2))) struct RestartTests {
    @Test("a coordinator that comes back is found again, and buffered events arrive once each")
    func coordinatorRestarts() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            // The agent outlives two coordinators, so it is started outside of both.
            try await fleet.drive { try $0.giveToken(to: machine) }
            let connected = Mutex(0)
            try await machine.running { agent in
                try await fleet.drive { driver in
                    try await driver.wish(["/etc/a"], on: machine.node)
                    try await eventually("it is converged") {
                        machine.clock.skipRedial()
                        return try driver.isConverged(machine.node)
                    }
                    connected.withLock { $0 = machine.clock.naps("uplink.redial").count }
                }
                let pauses = connected.withLock { $0 }
                for number in 1...3 { await agent.events.append(event(number)) }
                try await eventually("it has tried nine times more") {
                    machine.clock.skipRedial()
                    return machine.clock.naps("uplink.redial").count >= pauses + 9
                }
                let waits = machine.clock.naps("uplink.redial").dropFirst(pauses).prefix(9)
                #expect(waits.allSatisfy { $0 >= .milliseconds(250) && $0 <= .seconds(2.25) })
                #expect(Set(waits).count > 5, "redials without jitter come all at once")

                try await fleet.drive { driver in
                    try await eventually("the last event is there") {
                        machine.clock.skipRedial()
                        return try events(driver).contains("step/test-3")
                    }
                    let kept = try events(driver)
                    #expect(kept.filter { $0.hasPrefix("step/test-") } == told)
                    #expect(kept.filter { $0 == "step/a" }.count == 2, "started and done")
                    try await eventually("the node has nothing left to tell") {
                        await agent.events.pending(after: 0) == nil
                    }
                }
            }
        }
    }

    @Test("a coordinator that is away for long is asked less often, and the journal told once")
    func longAbsence() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await machine.running { _ in
                    try await eventually("it is enrolled") {
                        try machine.credentials() != nil
                    }
                }
            }
            try await machine.running { agent in
                try await eventually("it has tried a hundred times") {
                    machine.clock.skipRedial()
                    return machine.clock.naps("uplink.redial").count >= 100
                }
                let waits = machine.clock.naps("uplink.redial").suffix(50)
                #expect(waits.contains { $0 > .seconds(7.5) }, "the window did not grow")
                #expect(waits.allSatisfy { $0 <= .seconds(15.25) })
                let told = agent.diary.text.split(separator: "\n").filter {
                    $0.contains("link down")
                }
                #expect(told.count == 1)
            }
        }
    }

    @Test("a file that a person mends is noticed at the next redial")
    func mended() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet, addresses: ["127.0.0.1:1"])
            machine.fake.files[StateFolder().coordinator] = "127.0.0.1:2"
            try await fleet.drive { try $0.giveToken(to: machine) }
            func hasTried(_ port: Int, _ agent: RunningAgent) -> Bool {
                machine.clock.skipRedial()
                return agent.diary.text.contains("connecting to 127.0.0.1:\(port):")
            }
            try await machine.running { agent in
                try await eventually("it redials") { hasTried(2, agent) }
                machine.fake.files[StateFolder().coordinator] = "127.0.0.1:33"
                try await eventually("it dials what the file says now") { hasTried(33, agent) }
            }
        }
    }

    @Test("an agent that starts again sends what it had not got rid of, once")
    func agentRestarts() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await machine.running { agent in
                for number in 1...3 { await agent.events.append(event(number)) }
            }
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                for _ in 1...3 {
                    try await machine.running { agent in
                        try await eventually("the last event is acknowledged") {
                            await agent.events.pending(after: 0) == nil
                        }
                    }
                }
                #expect(try events(driver) == told)
            }
        }
    }

    @Test("a rebooted node converges from its own spec without any coordinator")
    func reboot() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await driver.wish(["/etc/a", "/etc/b"], on: machine.node)
                try await machine.running { _ in
                    try await eventually("it is converged") {
                        try driver.isConverged(machine.node)
                    }
                }
            }
            machine.fake.files["/etc/a"] = nil
            machine.fake.files["/etc/b"] = "broken"
            try await machine.running { agent in
                try await eventually("it is converged again") {
                    await agent.reconciler.status().isConverged(generation: 1)
                }
                #expect(!agent.diary.says("link up"))
            }
            #expect(machine.fake.files["/etc/a"] == "right")
            #expect(machine.fake.files["/etc/b"] == "right")
        }
    }

    @Test("a new address is tried first, and the old one still serves while nobody is there")
    func coordinatorMoves() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await machine.running { _ in
                    try await eventually("it is enrolled") {
                        await driver.run.downlinks.reported() == [machine.node]
                    }
                }
            }
            try await fleet.withCopy(seed: 2) { moved in
                try await fleet.drive { driver in
                    try await driver.wish(["/etc/a"], on: machine.node, at: [moved.address])
                    try await machine.running { _ in
                        try await eventually("it has the address") {
                            try driver.isConverged(machine.node)
                        }
                    }
                    try await machine.running { agent in
                        try await eventually("it is back at the old address") {
                            agent.diary.says("link up")
                        }
                        #expect(agent.diary.says("connecting to \(moved.address)"))
                    }
                }
                try await moved.drive { driver in
                    try await machine.running { agent in
                        try await eventually("it is at the new address") {
                            await driver.run.downlinks.connected() == [machine.node]
                        }
                        #expect(!agent.diary.says("connecting to \(fleet.address)"))
                    }
                }
            }
        }
    }

    private var told: [String] { (1...3).map { event($0).subject } }

    private func event(_ number: Int) -> Event {
        Event(
            at: FakeWorld.start, actor: "agent/worker-1", subject: "step/test-\(number)",
            cause: "test", outcome: .done, detail: "")
    }

    private func events(_ driver: Driver) throws -> [String] {
        try driver.run.store.events(last: 100).map(\.subject).filter { $0.hasPrefix("step/") }
    }
}
