import Model
import Support
import Testing

@testable import Agent
@testable import Coordinator

/// How a node becomes one of the cluster.
@Suite(.timeLimit(.minutes(2))) struct EnrolmentTests {
    @Test("a node without a certificate enrols by token, converges, and its status is kept")
    func firstBoot() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await driver.wish(["/etc/a", "/etc/b"], on: machine.node)
                try await machine.running { _ in
                    try await eventually("worker-1 is converged") {
                        try driver.isConverged(machine.node)
                    }
                }
                #expect(machine.fake.files["/etc/a"] == "right")
                #expect(machine.fake.files["/etc/b"] == "right")
                #expect(try machine.credentials() != nil)
            }
        }
    }

    @Test("a used token is refused with what happened and what to type, and a new one works")
    func usedToken() async throws {
        try await Fleet.with { fleet in
            let first = try Machine("worker-1", of: fleet)
            let rebuilt = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: first)
                rebuilt.putToken(first.token ?? "")
                try await first.running { _ in
                    try await eventually("it is enrolled") { try first.credentials() != nil }
                }
                try await rebuilt.running { agent in
                    try await eventually("the rebuilt one is refused") {
                        agent.diary.says("enrolling worker-1: the token was used already")
                    }
                    #expect(agent.diary.says("fix=make a new one with"))
                    #expect(try rebuilt.credentials() == nil)
                    try driver.giveToken(to: rebuilt)
                    try await eventually("the rebuilt one is enrolled") {
                        rebuilt.clock.skipRedial()
                        return try rebuilt.credentials() != nil
                    }
                }
            }
        }
    }

    @Test("a token that others on the machine may read is sent to nobody until it is made private")
    func readableToken() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                let token = machine.token ?? ""
                machine.putToken(token, mode: 0o644)
                try await machine.running { agent in
                    try await eventually("it says what is wrong") {
                        agent.diary.says("others than its owner may read it")
                    }
                    #expect(agent.diary.says("fix=run `chmod 600 \(Machine.tokenFile)`"))
                    #expect(try machine.credentials() == nil)
                    machine.putToken(token)
                    try await eventually("it is enrolled") {
                        machine.clock.skipRedial()
                        return try machine.credentials() != nil
                    }
                }
            }
        }
    }

    @Test("a token that is over, or another node's, admits nobody")
    func wrongToken() async throws {
        try await Fleet.with { fleet in
            let late = try Machine("worker-1", of: fleet)
            let thief = try Machine("controller-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: late)
                thief.putToken(late.token ?? "")
                try await thief.running { agent in
                    try await eventually("the thief is refused") {
                        agent.diary.says("enrolling controller-1: the token is for another node")
                    }
                }
                fleet.fake.clock.advance(by: .seconds(601))
                try await late.running { agent in
                    try await eventually("the late one is refused") {
                        agent.diary.says("enrolling worker-1: the token has expired")
                    }
                }
                #expect(try thief.credentials() == nil)
                #expect(try late.credentials() == nil)
            }
        }
    }

    @Test("an agent with another pin tells the stranger nothing, not even its token")
    func wrongPin() async throws {
        try await Fleet.with { fleet in
            let wrong = Digest(unchecked: String(repeating: "0", count: 64))
            let wary = try Machine("worker-1", of: fleet, pin: wrong)
            let right = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: wary)
                right.putToken(wary.token ?? "")
                try await wary.running { agent in
                    try await eventually("it refuses the coordinator") {
                        agent.diary.says("its root is not the one this node was told to trust")
                    }
                }
                #expect(!fleet.diary.says("enrol"))
                // A token binds to the first key that it comes with: it never came.
                try await right.running { _ in
                    try await eventually("it is enrolled") { try right.credentials() != nil }
                }
            }
        }
    }
}
