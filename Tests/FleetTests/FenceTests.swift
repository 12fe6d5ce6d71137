import Model
import Support
import Testing

@testable import Agent
@testable import Coordinator

/// Two copies of one state folder, both driving.
@Suite(.timeLimit(.minutes(2))) struct FenceTests {
    @Test("of two copies of a state folder the agent obeys one, and tells the other why not")
    func twoCopies() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await driver.wish(["/etc/first"], on: machine.node)
                try await machine.running { _ in
                    try await eventually("it obeys") { try driver.isConverged(machine.node) }
                }
            }
            try await fleet.withCopy(seed: 2) { copy in
                // Both commit the same epoch now, each with a run of its own.
                try await obeys(machine, fleet, path: "/etc/original", generation: 2)
                try await refuses(
                    machine, copy, path: "/etc/copy", generation: 3, reason: "belongs to run")
                // One start later the copy is the newer one, and the original the old.
                try await obeys(machine, copy, path: "/etc/newer", generation: 3)
                try await copy.drive { _ in }
                try await obeys(machine, copy, path: "/etc/newest", generation: 4)
                try await refuses(
                    machine, fleet, path: "/etc/stale", generation: 5, reason: "is older than")
            }
            #expect(machine.fake.files["/etc/original"] == "right")
            #expect(machine.fake.files["/etc/copy"] == nil)
            #expect(machine.fake.files["/etc/newest"] == "right")
            #expect(machine.fake.files["/etc/stale"] == nil)
        }
    }

    @Test(
        "a restored backup is refused, learns by how much it is behind, and is obeyed once raised")
    func restored() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await driver.wish(["/etc/first"], on: machine.node)
                try await machine.running { _ in
                    try await eventually("it obeys") { try driver.isConverged(machine.node) }
                }
            }
            try await fleet.withCopy(seed: 2) { backup in
                try await fleet.drive { _ in }
                try await obeys(machine, fleet, path: "/etc/second", generation: 2)
                try await obeys(machine, fleet, path: "/etc/third", generation: 3)
                try await refuses(
                    machine, backup, path: "/etc/lost", generation: 4, reason: "is older than")
                try await backup.drive { driver in
                    try await machine.running(addresses: [backup.address]) { _ in
                        try await eventually("it says what it obeys") {
                            await driver.run.downlinks.greetings.nodes == [machine.node]
                        }
                        let failure = await #expect(throws: Failure.self) {
                            try await driver.run.refuseIfSuperseded()
                        }
                        #expect(failure?.message.contains("worker-1 obeys epoch 4") == true)
                        let raise = try await driver.raiseEpoch(above: 0)
                        #expect(raise.to == 4 && raise.nodes.first?.generation == 3)
                    }
                }
                try await obeys(machine, backup, path: "/etc/fourth", generation: 4)
                // The newer one was not lost after all: now that is the old one.
                try await refuses(
                    machine, fleet, path: "/etc/fifth", generation: 5, reason: "belongs to run")
            }
            #expect(machine.fake.files["/etc/fourth"] == "right")
            #expect(machine.fake.files["/etc/lost"] == nil)
            #expect(machine.fake.files["/etc/fifth"] == nil)
        }
    }

    private func obeys(
        _ machine: Machine, _ fleet: Fleet, path: String, generation: UInt64
    ) async throws {
        try await fleet.drive { driver in
            try await driver.wish([path], generation: generation, on: machine.node)
            try await machine.running(addresses: [fleet.address]) { _ in
                try await eventually("it obeys generation \(generation)") {
                    try driver.isConverged(machine.node, generation: generation)
                }
            }
            #expect(try driver.status(of: machine.node)?.refused == nil)
        }
    }

    private func refuses(
        _ machine: Machine, _ fleet: Fleet, path: String, generation: UInt64, reason: String
    ) async throws {
        try await fleet.drive { driver in
            try await driver.wish([path], generation: generation, on: machine.node)
            try await machine.running(addresses: [fleet.address]) { _ in
                try await eventually("it says that it refuses generation \(generation)") {
                    let refused = try driver.status(of: machine.node)?.refused
                    return refused?.code == .conflict
                        && refused?.message.contains(reason) == true
                        && refused?.fix.isEmpty == false
                }
                let failure = await #expect(throws: Failure.self) {
                    try await driver.run.downlinks.ask(
                        machine.node, .kubeconfig, deadline: .seconds(30))
                }
                #expect(failure?.code == .conflict)
                #expect(failure?.message.contains(reason) == true)
            }
        }
    }
}
