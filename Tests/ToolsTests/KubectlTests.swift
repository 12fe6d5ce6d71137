import Model
import Testing

@testable import Tools

@Suite struct KubectlTests {
    @Test("every command names its kubeconfig, so no other cluster is ever meant")
    func kubeconfig() {
        let kubectl = Kubectl(kubeconfig: "/s/kube/config")
        #expect(
            kubectl.nodes().arguments == [
                "--kubeconfig=/s/kube/config", "get", "nodes", "--output=json",
            ])
    }

    @Test("a member is ready only if the control plane says so")
    func members() throws {
        let text = """
            {"items":[
              {"metadata":{"name":"controller-1"},
               "status":{"conditions":[{"type":"MemoryPressure","status":"False"},
                                       {"type":"Ready","status":"True"}]}},
              {"metadata":{"name":"worker-1"},
               "status":{"conditions":[{"type":"Ready","status":"Unknown"}]}},
              {"metadata":{"name":"worker-2"}}]}
            """
        #expect(
            try Kubectl.members(text) == [
                .init(name: "controller-1", isReady: true),
                .init(name: "worker-1", isReady: false),
                .init(name: "worker-2", isReady: false),
            ])
    }

    @Test("anything but a list of nodes is refused")
    func garbage() {
        #expect(throws: Failure.self) { try Kubectl.members("No resources found") }
    }
}
