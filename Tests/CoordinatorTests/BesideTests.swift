import Model
import Outside
import Store
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct BesideTests {
    @Test("kubectl goes the way of a running coordinator, and of no other")
    func kubeconfig() async throws {
        try await withFounded { project, world in
            let beside = Beside(project, world: world)
            let path = "\(project.state)/kube/config"
            #expect(try beside.kubeconfig() == nil, "nobody runs")
            let store = try Store.open(path: project.store)
            _ = try store.acquireLease(
                holder: "ops@bastion", now: world.clock.now(), ttl: .seconds(15))
            let early = #expect(throws: Failure.self) { try beside.kubeconfig() }
            #expect(early?.code == .unavailable)
            #expect(early?.fix.contains("try again") == true)
            try world.files.makeDirectory("\(project.state)/kube", mode: 0o700, op: "test")
            try world.files.replace(path, with: [], mode: 0o600, op: "test")
            #expect(try beside.kubeconfig() == path)
        }
    }

    @Test("a node that the cluster does not know is told with those that it has")
    func strangers() async throws {
        try await withFounded { project, world in
            let beside = Beside(project, world: world)
            let node = NodeName(unchecked: "wroker-1")
            await Sentence(
                .notFound, "asking: there is no node wroker-1; the cluster has none yet",
                fix: "once `jeeves up` has gone on"
            ).check { try beside.require(node, trying: "asking") }
            for name in ["worker-2", "worker-1"] {
                _ = try beside.makeToken(
                    for: NodeName(unchecked: name), lifetime: .seconds(60), by: "ann@desk")
            }
            #expect(try beside.stranger(NodeName(unchecked: "worker-1")) == nil)
            for order in [beside.revoke, beside.allow] {
                await Sentence(
                    .notFound, "the cluster has worker-1, worker-2", fix: "name a node"
                ).check { try order(node, "ann@desk") }
            }
        }
    }

    @Test("a token that was made beside a coordinator lets that node enrol, once")
    func token() async throws {
        try await withFounded { project, world in
            let node = NodeName(unchecked: "worker-9")
            let token = try Beside(project, world: world).makeToken(
                for: node, lifetime: .seconds(60), by: "ann@desk")
            let tokens = Tokens(try Store.open(path: project.store))
            let key = Hash.sha256("key".utf8)
            try tokens.redeem(token, node: node, key: key, now: world.clock.now())
            #expect(throws: Failure.self) {
                try tokens.redeem(
                    token, node: node, key: Hash.sha256("other".utf8), now: world.clock.now())
            }
        }
    }
}
