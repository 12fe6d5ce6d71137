import Logging
import Model
import Outside
import Support
import Testing
import Wire

@testable import Agent

@Suite struct SessionTests {
    private let fake = FakeWorld(autoAdvance: false)

    /// A session over `link`, with a certificate that is not due.
    private func session(_ link: any Link) -> Session {
        let (world, state) = (fake.world, StateFolder())
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let settings = Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"),
            pin: Digest(unchecked: String(repeating: "0", count: 64)),
            coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
        let events = EventSpool(files: world.files, state: state)
        let reconciler = Reconciler(
            settings: settings, state: state, world: world,
            facts: Facts(system: "", kernel: "", bootID: "b", address: "", instanceID: ""),
            events: events, version: "1", log: log, makeStep: { _ in nil })
        return Session(
            settings: settings, world: world,
            identity: IdentityFile(files: world.files, state: state),
            pair: IdentityFile.Pair(
                credentials: Credentials(
                    chainPEM: EdgeFixtures.first.chain, keyPEM: Secret(EdgeFixtures.first.key)),
                isCandidate: false),
            link: link, reconciler: reconciler, events: events,
            requests: Requests(
                world: world, tunnels: Tunnels(log: log) { _ in }, reconciler: reconciler),
            version: "1", log: log, welcomed: {})
    }

    /// Greets the agent and asks it for logs; its answer.
    private func logs(over link: any Link) async throws -> Reply.Body? {
        for try await message in link.incoming {
            switch message {
            case .hello:
                try await link.send(
                    .welcome(
                        Welcome(
                            coordinatorVersion: "1", epoch: 1,
                            run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))))
                try await link.send(.request(Request(id: 7, body: .logs(.agent, lines: 2000))))
            case .reply(let reply) where reply.id == 7: return reply.body
            default: continue
            }
        }
        return nil
    }

    @Test("an answer that is too large for a frame is a failure that says so, and not silence")
    func tooLarge() async throws {
        fake.processes.on(
            "journalctl", prints: String(repeating: "x", count: MessageKind.reply.bytesMax))
        let (agent, coordinator) = MemoryLink.pair(agent: nil, coordinator: nil)
        let session = session(agent)
        let running = Task { try await session.run() }
        guard case .failure(let failure) = try await logs(over: coordinator) else {
            Issue.record("no failure came")
            return
        }
        #expect(failure.code == .invalid)
        #expect(failure.message.hasPrefix("sending a reply message: "))
        #expect(failure.fix == "ask for less, such as fewer lines")
        await coordinator.close()
        _ = await running.result
    }
}
