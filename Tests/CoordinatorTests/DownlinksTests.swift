import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Support
import Testing
import Wire

@testable import Coordinator

/// A real coordinator's side of links, over memory.
@Suite(.timeLimit(.minutes(1))) struct DownlinksTests {
    private let fake = FakeWorld(autoAdvance: false)
    private let node = NodeName(unchecked: "controller-1")
    private let spool = UUID()
    private let driving = Driving(
        cluster: ClusterID(unchecked: "chat"), epoch: 3,
        run: RunID(unchecked: "aaaaaaaaaaaaaaaa"))

    private func withDownlinks(_ body: (Downlinks, Store) async throws -> Void) async throws {
        try await withStore { store in
            let downlinks = Downlinks(
                driving: driving, version: "1", store: store, clock: fake.clock,
                log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                renew: { _, _ in CertificateChain(pem: "renewed") })
            try await body(downlinks, store)
        }
    }

    private func peer(_ name: String, expired: Bool = false) -> Peer {
        Peer(uri: "spiffe://chat/agent/\(name)", serial: "1", expired: expired)
    }

    private func hello(_ name: String) -> Message {
        .hello(
            Hello(node: NodeName(unchecked: name), agentVersion: "1", bootID: "b", fence: nil))
    }

    private func spec() -> NodeSpec {
        NodeSpec(
            cluster: driving.cluster, node: node, epoch: driving.epoch, run: driving.run,
            generation: 1, digest: Digest(unchecked: String(repeating: "0", count: 64)), steps: [])
    }

    @Test("a node is welcomed, gets its spec, and what it reports is kept")
    func conversation() async throws {
        try await withDownlinks { downlinks, store in
            await downlinks.assign(spec())
            let (agent, coordinator) = MemoryLink.pair(
                agent: peer("controller-1"), coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            try await agent.send(hello("controller-1"))
            var heard = agent.incoming.makeAsyncIterator()
            guard case .welcome(let welcome)? = try await heard.next() else {
                Issue.record("no welcome")
                return
            }
            #expect(welcome.epoch == 3)
            #expect(try await heard.next() == .spec(spec()))
            let event = Event(
                at: FakeWorld.start, actor: "agent/controller-1", subject: "step/x", cause: "c",
                outcome: .done, detail: "")
            try await agent.send(.events(EventBatch(spool: spool, first: 5, events: [event])))
            #expect(try await heard.next() == .eventsSeen(upTo: 5))
            #expect(try store.events(last: 10) == [event])
            await agent.close()
            await serving.value
            #expect(await downlinks.connected().isEmpty)
        }
    }

    @Test("events that come again after a lost acknowledgement are kept once")
    func repeatedEvents() async throws {
        try await withDownlinks { downlinks, store in
            let events = (1...4).map { number in
                Event(
                    at: FakeWorld.start, actor: "agent/controller-1", subject: "step/\(number)",
                    cause: "c", outcome: .done, detail: "")
            }
            let rebuilt = UUID()
            let batches = [
                EventBatch(spool: spool, first: 7, events: Array(events[0..<2])),
                EventBatch(spool: spool, first: 7, events: Array(events[0..<3])),
                EventBatch(spool: spool, first: 7, events: Array(events[0..<1])),
                EventBatch(spool: spool, first: 8, events: Array(events[1..<3])),
                EventBatch(spool: rebuilt, first: 1, events: Array(events[3..<4])),
            ]
            for batch in batches {
                // A link each: an acknowledgement is lost with its link.
                let (agent, coordinator) = MemoryLink.pair(
                    agent: peer("controller-1"), coordinator: nil)
                let serving = Task { await downlinks.serve(coordinator) }
                try await agent.send(.events(batch))
                var heard = agent.incoming.makeAsyncIterator()
                let last = batch.first + UInt64(batch.events.count) - 1
                #expect(try await heard.next() == .eventsSeen(upTo: last))
                await agent.close()
                await serving.value
            }
            #expect(try store.events(last: 10) == events)
        }
    }

    @Test("what a node tells stands under its own name, about itself, and is cut")
    func foreignEvents() async throws {
        try await withDownlinks { downlinks, store in
            let long = String(repeating: "x", count: 100_000)
            let (agent, coordinator) = MemoryLink.pair(
                agent: peer("controller-1"), coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            let forged = Event(
                at: FakeWorld.start, actor: "ann@desk", subject: "rollout/0123456789abcdef",
                cause: long, outcome: .done, detail: long)
            try await agent.send(.events(EventBatch(spool: spool, first: 1, events: [forged])))
            var heard = agent.incoming.makeAsyncIterator()
            _ = try await heard.next()
            let kept = try #require(try store.events(last: 1).first)
            #expect(kept.actor == "agent/controller-1")
            #expect(kept.subject == "node/controller-1/rollout/0123456789abcdef")
            #expect(kept.cause.count == 200)
            #expect(kept.detail.count == 1000)
            await agent.close()
            await serving.value
        }
    }

    @Test("a node that says it is another is cut off and nothing it says is kept")
    func impostor() async throws {
        try await withDownlinks { downlinks, store in
            let (agent, coordinator) = MemoryLink.pair(agent: peer("worker-1"), coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            try await agent.send(hello("controller-1"))
            await serving.value
            #expect(try store.list(.statuses).isEmpty)
        }
    }

    @Test("an expired certificate gets a renewal and nothing else")
    func renewalOnly() async throws {
        try await withDownlinks { downlinks, _ in
            await downlinks.assign(spec())
            let (agent, coordinator) = MemoryLink.pair(
                agent: peer("controller-1", expired: true), coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            try await agent.send(hello("controller-1"))
            var heard = agent.incoming.makeAsyncIterator()
            guard case .welcome(let welcome)? = try await heard.next() else {
                Issue.record("no welcome")
                return
            }
            #expect(welcome.renewalOnly)
            try await agent.send(.renewal(CertificateRequest(csrPEM: "csr")))
            #expect(try await heard.next() == .certificate(CertificateChain(pem: "renewed")))
            #expect(await downlinks.connected().isEmpty)
            try await agent.send(.events(EventBatch(spool: spool, first: 1, events: [])))
            await serving.value
        }
    }

    @Test("an expired certificate holds one link, and none once its machine has left")
    func renewalOnlyLinks() async throws {
        try await withDownlinks { downlinks, _ in
            let expired = peer("controller-1", expired: true)
            let (older, first) = MemoryLink.pair(agent: expired, coordinator: nil)
            let (newer, second) = MemoryLink.pair(agent: expired, coordinator: nil)
            let one = Task { await downlinks.serve(first) }
            try await older.send(hello("controller-1"))
            var heard = older.incoming.makeAsyncIterator()
            _ = try await heard.next()
            let other = Task { await downlinks.serve(second) }
            try await newer.send(hello("controller-1"))
            var answers = newer.incoming.makeAsyncIterator()
            _ = try await answers.next()
            await one.value
            await downlinks.dismiss(node)
            await other.value
            await #expect(throws: Failure.self) {
                try await newer.send(.renewal(CertificateRequest(csrPEM: "csr")))
            }
        }
    }

    @Test("a question to a node that is away, or does not answer, ends with a sentence")
    func questions() async throws {
        try await withDownlinks { downlinks, _ in
            let away = await #expect(throws: Failure.self) {
                try await downlinks.ask(node, .kubeconfig, deadline: .seconds(5))
            }
            #expect(away?.code == .unavailable)
            let (agent, coordinator) = MemoryLink.pair(
                agent: peer("controller-1"), coordinator: nil)
            let serving = Task { await downlinks.serve(coordinator) }
            try await agent.send(hello("controller-1"))
            var heard = agent.incoming.makeAsyncIterator()
            _ = try await heard.next()
            let asking = Task {
                try await downlinks.ask(node, .kubeconfig, deadline: .seconds(5))
            }
            _ = try await heard.next()
            await fake.clock.sleeping()
            fake.clock.advance(by: .seconds(6))
            let late = await #expect(throws: Failure.self) { try await asking.value }
            #expect(late?.code == .timeout)
            await agent.close()
            await serving.value
        }
    }
}
