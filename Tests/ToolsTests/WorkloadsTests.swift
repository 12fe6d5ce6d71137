import Model
import Testing

@testable import Tools

@Suite struct WorkloadsTests {
    @Test("pods are gathered by what they belong to, each that does not run with its node and why")
    func workloads() throws {
        let text = """
            {"items":[
              {"metadata":{"name":"chat-ddp-5f9-a","labels":{"pod-template-hash":"5f9"},
                "ownerReferences":[{"name":"chat-ddp-5f9"}]},"spec":{"nodeName":"worker-2"},
               "status":{"phase":"Pending","containerStatuses":[{"name":"ddp","ready":false,
                 "state":{"waiting":{"reason":"ErrImagePull","message":"no space left"}}}]}},
              {"metadata":{"name":"chat-ddp-5f9-b","labels":{"pod-template-hash":"5f9"},
                "ownerReferences":[{"name":"chat-ddp-5f9"}]},"spec":{"nodeName":"worker-1"},
               "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}},
              {"metadata":{"name":"nats-0","ownerReferences":[{"name":"nats"}]},
               "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}},
              {"metadata":{"name":"look"},"status":{"phase":"Succeeded"}}]}
            """
        #expect(
            try Kubectl.workloads(text) == [
                .init(
                    name: "chat-ddp", ready: 1, all: 2,
                    troubles: [
                        .init(
                            pod: "chat-ddp-5f9-a", node: "worker-2",
                            why: "ErrImagePull, no space left")
                    ]),
                .init(name: "nats", ready: 1, all: 1),
            ])
        #expect(throws: Failure.self) { try Kubectl.workloads("No resources found") }
    }

    @Test("what a node lacks is told in the control plane's words")
    func nodeTroubles() throws {
        let members = try Kubectl.members(
            """
            {"items":[{"metadata":{"name":"worker-2"},"status":{"conditions":[
              {"type":"DiskPressure","status":"True","message":"kubelet has disk pressure"},
              {"type":"MemoryPressure","status":"False","message":"enough"},
              {"type":"Ready","status":"False","message":"kubelet stopped"}]}}]}
            """)
        #expect(
            members.map(\.troubles) == [
                ["DiskPressure: kubelet has disk pressure", "not ready: kubelet stopped"]
            ])
    }
}
