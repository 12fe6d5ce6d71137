import FoundationEssentials
import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct EventReaderTests {
    private func event(_ actor: String, _ subject: String, at offset: Double = 0) -> Event {
        Event(
            at: FakeWorld.start + offset, actor: actor, subject: subject, cause: "test",
            outcome: .done, detail: "")
    }

    @Test("a reader first reads all that is kept, then only what is new, and waits for that")
    func reading() async throws {
        try await withFounded { project, live in
            var world = live
            let clock = ManualClock()
            world.clock = clock
            let store = try Store.open(path: project.store)
            try store.append([event("ann@desk", "stage/dns"), event("ann@desk", "stage/app")])
            var reader = try EventReader(
                project, filter: EventFilter(subject: "stage"), world: world)
            #expect(try reader.read().map(\.subject) == ["stage/dns", "stage/app"])
            #expect(try reader.read().isEmpty)
            let following = Task { [reader] in
                var reader = reader
                return try await reader.follow()
            }
            await clock.sleeping()
            try store.append([event("ann@desk", "step/haproxy")])
            clock.advance(by: .milliseconds(500))
            await clock.sleeping()
            try store.append([event("ann@desk", "stage/verify")])
            clock.advance(by: .milliseconds(500))
            #expect(try await following.value.map(\.subject) == ["stage/verify"])
        }
    }

    @Test("a filter keeps a node's events, a subject's, and what is young enough")
    func filter() {
        let node = NodeName(unchecked: "worker-1")
        func admits(_ filter: EventFilter, _ event: Event) -> Bool { filter.admits(event) }
        let ofNode = EventFilter(node: node)
        #expect(admits(ofNode, event("agent/worker-1", "step/haproxy")))
        #expect(admits(ofNode, event("ann@desk", "node/worker-1")))
        #expect(!admits(ofNode, event("agent/worker-10", "step/haproxy")))
        #expect(!admits(ofNode, event("ann@desk", "node/worker-10")))
        #expect(admits(EventFilter(subject: "stage/app"), event("ann@desk", "stage/app")))
        #expect(!admits(EventFilter(subject: "stag"), event("ann@desk", "stage/app")))
        let young = EventFilter(since: FakeWorld.start)
        #expect(admits(young, event("ann@desk", "dns")))
        #expect(!admits(young, event("ann@desk", "dns", at: -1)))
    }

    @Test("every change beside a coordinator names who did it: tokens, revocations")
    func operators() async throws {
        try await withFounded { project, world in
            let beside = Beside(project, world: world)
            let node = NodeName(unchecked: "worker-9")
            _ = try beside.makeToken(for: node, lifetime: .seconds(60), by: "ann@desk")
            _ = try beside.revoke(node, by: "bob@ci")
            _ = try beside.allow(node, by: "bob@ci")
            var reader = try EventReader(project, filter: EventFilter(node: node), world: world)
            let events = try reader.read()
            #expect(events.map(\.actor) == ["ann@desk", "bob@ci", "bob@ci"])
            #expect(events.map { $0.detail.prefix(10) } == ["token made", "revoked", "allowed"])
        }
    }

    @Test("a spec is an event when it is new, and not when another run drives the same")
    func specs() async throws {
        try await withEstate { estate in
            try await estate.drive { run in
                let node = NodeName(unchecked: "worker-9")
                let spec = NodeSpec(
                    cluster: run.cluster.cluster, node: node, epoch: 1, run: run.driving.run,
                    generation: 3, digest: run.pin, steps: [], coordinators: [])
                try run.save(spec, isNew: true)
                try run.save(spec, isNew: false)
                #expect(try run.store.get(NodeSpec.self, .specs, "worker-9") == spec)
                let events = try run.store.events(last: 10)
                #expect(events.map(\.subject) == ["node/worker-9"])
                #expect(events.map(\.detail) == ["generation 3: "])
            }
        }
    }
}
