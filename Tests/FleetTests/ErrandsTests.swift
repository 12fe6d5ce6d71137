import FoundationEssentials
import Model
import Outside
import Support
import Testing

@testable import Coordinator

/// What is asked of a node while another process holds its link.
@Suite(.timeLimit(.minutes(2))) struct ErrandsTests {
    /// Asks beside the coordinator, whose clock goes on meanwhile.
    private func ask(
        _ question: Question, of node: NodeName, _ fleet: Fleet
    ) async throws -> Result<String, any Error> {
        let asking = Task { await Self.result { try await fleet.beside.ask(question, of: node) } }
        let ticking = Task {
            while !Task.isCancelled {
                fleet.fake.clock.advance(by: .milliseconds(5))
                try await ContinuousClock().sleep(for: .milliseconds(5))
            }
        }
        defer { ticking.cancel() }
        return await asking.value
    }

    private static func result(
        _ body: () async throws -> String
    ) async -> Result<String, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func failure(_ result: Result<String, any Error>) -> Failure? {
        if case .failure(let error) = result { error as? Failure } else { nil }
    }

    @Test("beside a running coordinator a node's log comes through it without secrets, and is gone")
    func logs() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            machine.fake.processes.on("journalctl") { command in
                let line = "\(command.arguments.last ?? "") password=hunter2\n"
                return Finished(ending: .exited(0), output: line)
            }
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await machine.running { _ in
                    try await eventually("it is enrolled") {
                        await driver.run.downlinks.reported() == [machine.node]
                    }
                    let question = try Question.logs(source: "haproxy", lines: 5)
                    let answer = try await ask(question, of: machine.node, fleet).get()
                    #expect(answer == "--unit=haproxy.service password=[redacted]\n")
                    let left = try driver.run.store.list(.errands)
                    #expect(left.isEmpty)
                }
            }
        }
    }

    @Test("a node that is away, and a node's own refusal, come back as they are")
    func refusals() async throws {
        try await Fleet.with { fleet in
            let machine = try Machine("worker-1", of: fleet)
            try await fleet.drive { driver in
                try driver.giveToken(to: machine)
                try await machine.running { _ in
                    try await eventually("it is enrolled") {
                        await driver.run.downlinks.reported() == [machine.node]
                    }
                    let away = try await ask(
                        .renewCertificate, of: NodeName(unchecked: "worker-2"), fleet)
                    #expect(failure(away)?.code == .unavailable)
                    #expect(failure(away)?.message.contains("worker-2: it is not") == true)
                    let refused = try await ask(.renewCertificate, of: machine.node, fleet)
                    #expect(failure(refused)?.code == .unsupported)
                    #expect(failure(refused)?.message.contains("this node serves none") == true)
                }
            }
        }
    }

    @Test("a coordinator that ends before it answers is said to have ended")
    func ended() async throws {
        try await Fleet.with { fleet in
            let answer = try await ask(
                .renewCertificate, of: NodeName(unchecked: "worker-1"), fleet)
            #expect(failure(answer)?.code == .unavailable)
            #expect(failure(answer)?.message.contains("it has ended") == true)
        }
    }

    @Test("what nobody waits for any more is thrown away unasked")
    func stale() async throws {
        try await Fleet.with { fleet in
            try await fleet.drive { driver in
                let store = driver.run.store
                let errand = Errand(
                    node: NodeName(unchecked: "worker-1"), question: .renewCertificate,
                    until: FakeWorld.start.addingTimeInterval(-1))
                try store.put(.errands, "old", errand)
                try await eventually("it is gone") {
                    fleet.fake.clock.advance(by: .milliseconds(10))
                    return try store.list(.errands).isEmpty
                }
            }
        }
    }
}
