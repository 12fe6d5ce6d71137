import Model
import Outside
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
               "status":{"nodeInfo":{"kubeletVersion":"v1.34.1+build"},
                         "conditions":[{"type":"MemoryPressure","status":"False"},
                                       {"type":"Ready","status":"True"}]}},
              {"metadata":{"name":"worker-1"},
               "status":{"conditions":[{"type":"Ready","status":"Unknown"}]}},
              {"metadata":{"name":"worker-2"}}]}
            """
        #expect(
            try Kubectl.members(text) == [
                .init(name: "controller-1", isReady: true, hops: [], kubelet: "1.34.1"),
                .init(name: "worker-1", isReady: false, hops: []),
                .init(name: "worker-2", isReady: false, hops: []),
            ])
    }

    @Test("anything but a list of nodes is refused")
    func garbage() {
        #expect(throws: Failure.self) { try Kubectl.members("No resources found") }
    }

    @Test("what a manifest holds goes in on standard input, never as an argument")
    func apply() {
        let kubectl = Kubectl(kubeconfig: "/k")
        let flags = [
            "--server-side", "--field-manager=jeeves", "--force-conflicts", "--filename=-",
        ]
        let apply = kubectl.apply(Secret("kind: Secret"))
        #expect(apply.program == "kubectl")
        #expect(apply.arguments == ["--kubeconfig=/k", "apply"] + flags)
        #expect(apply.input == Secret("kind: Secret"))
        let diff = kubectl.diff(Secret("kind: Secret"))
        #expect(diff.arguments == ["--kubeconfig=/k", "diff"] + flags)
        #expect(diff.input == Secret("kind: Secret"))
    }

    @Test("the other commands are these")
    func commands() {
        let kubectl = Kubectl(kubeconfig: "/k")
        func argv(_ command: Command) -> String {
            command.arguments.dropFirst().joined(separator: " ")
        }
        #expect(
            argv(kubectl.list("pods", namespace: "n", selector: "a=b"))
                == "get pods --namespace=n --output=json --selector=a=b")
        #expect(
            argv(kubectl.list("events", namespace: "n", fields: "type=Warning"))
                == "get events --namespace=n --output=json --field-selector=type=Warning")
        #expect(
            argv(kubectl.get("secret", "s", namespace: "n"))
                == "get secret s --namespace=n --ignore-not-found --output=json")
        #expect(
            argv(kubectl.rolledOut("d", namespace: "n", timeout: .seconds(300)))
                == "rollout status deployment/d --namespace=n --timeout=300s")
        #expect(
            argv(kubectl.restart(selector: "a=b", namespace: "n"))
                == "rollout restart deployment --namespace=n --selector=a=b")
        #expect(
            argv(kubectl.wait("Established", for: ["crd/x"], timeout: .seconds(60)))
                == "wait --for=condition=Established --timeout=60s crd/x")
    }

    @Test(
        "the hops of a node are its own address and its end of the overlay or its pods' gateway",
        arguments: [
            (#"{"podCIDR":"10.1.4.0/24"}"#, "{}", ["10.42.0.10", "10.1.4.0", "10.1.4.1"]),
            (
                #"{"podCIDR":"10.1.4.0/24"}"#,
                #"{"projectcalico.org/IPv4VXLANTunnelAddr":"10.1.77.192"}"#,
                ["10.42.0.10", "10.1.77.192"]
            ),
            ("{}", "{}", ["10.42.0.10"]),
            (#"{"podCIDR":"fd00::/64"}"#, "{}", ["10.42.0.10"]),
        ])
    func hops(spec: String, annotations: String, hops: [String]) throws {
        let text = """
            {"items":[{"metadata":{"name":"c","annotations":\(annotations)},"spec":\(spec),
              "status":{"addresses":[{"type":"InternalIP","address":"10.42.0.10"},
                                     {"type":"Hostname","address":"c"}]}}]}
            """
        #expect(try Kubectl.members(text).first?.hops == hops)
    }

    @Test(
        "a difference is told from trouble, and from what is not there yet",
        arguments: [
            (0, "", Kubectl.Difference.none), (1, "", .some),
            (2, "error: no matches for kind \"IngressRoute\" in version", .absent),
            (2, "Error from server (NotFound): namespaces \"traefik\" not found", .absent),
        ])
    func difference(code: Int32, errors: String, found: Kubectl.Difference) throws {
        #expect(
            try Kubectl.difference(Finished(ending: .exited(code), errors: errors)) == found)
    }

    @Test("trouble while comparing is an error, never a difference")
    func differenceFails() {
        for finished in [
            Finished(ending: .exited(2), errors: "Error from server (Forbidden): no"),
            Finished(ending: .signalled(9)),
        ] {
            #expect(throws: Failure.self) { try Kubectl.difference(finished) }
        }
    }

    @Test("only an API server that is away is worth a second try")
    func outages() {
        func isOutage(_ errors: String) -> Bool {
            Kubectl.isOutage(Finished(ending: .exited(1), errors: errors))
        }
        #expect(isOutage("The connection to the server was refused: connection refused"))
        #expect(isOutage("Error: Kubernetes cluster unreachable: dial tcp"))
        #expect(!isOutage("Error from server (Forbidden): pods is forbidden"))
        let fine = Finished(ending: .exited(0), errors: "connection refused")
        #expect(!Kubectl.isOutage(fine))
    }

    @Test("a Secret is read with a version that tells nothing of it; one that is not there is none")
    func secrets() throws {
        let text = """
            {"metadata":{"name":"s","uid":"u","resourceVersion":"7"},
             "data":{"mongo-uri":"bW9uZ29kYjovL2g="}}
            """
        let found = try Kubectl.secret(text)
        #expect(found?.version == "u/7")
        #expect(found?.values == ["mongo-uri": Secret("mongodb://h")])
        #expect(try Kubectl.secret("\n") == nil)
        #expect(throws: Failure.self) { try Kubectl.secret("Error") }
    }

    @Test("services are read with their ports and whom they lead to")
    func services() throws {
        let text = """
            {"items":[{"metadata":{"name":"a"},"spec":{"selector":{"x":"y"},
               "ports":[{"name":"http","port":80},{"port":9100}]}},
              {"metadata":{"name":"b"},"spec":{}}]}
            """
        #expect(
            try Kubectl.services(text) == [
                .init(
                    name: "a",
                    ports: [.init(name: "http", port: 80), .init(name: nil, port: 9100)],
                    selector: ["x": "y"]),
                .init(name: "b", ports: [], selector: [:]),
            ])
    }
}

/// Deployments on their way, as `kubectl rollout status` judges them.
@Suite struct KubectlProgressTests {
    private func progress(_ status: String, replicas: Int = 2) throws -> Kubectl.Progress? {
        try Kubectl.progress(
            """
            {"items":[{"metadata":{"name":"chat","generation":3},
             "spec":{"replicas":\(replicas)},"status":\(status)}]}
            """)["chat"]
    }

    @Test(
        "only all pods, of the newest version and available, have arrived",
        arguments: [
            (
                #"{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2}"#,
                false
            ),
            (
                #"{"observedGeneration":3,"replicas":2,"updatedReplicas":1,"availableReplicas":2}"#,
                false
            ),
            (
                #"{"observedGeneration":3,"replicas":3,"updatedReplicas":2,"availableReplicas":3}"#,
                false
            ),
            (
                #"{"observedGeneration":3,"replicas":2,"updatedReplicas":2,"availableReplicas":1}"#,
                false
            ),
            (
                #"{"observedGeneration":3,"replicas":2,"updatedReplicas":2,"availableReplicas":2}"#,
                true
            ),
        ])
    func arrived(status: String, isThere: Bool) throws {
        #expect(try progress(status) == (isThere ? .arrived : .waiting))
    }

    @Test("what the cluster gave up on is stuck; one that is wanted empty has arrived")
    func ends() throws {
        let condition = #"{"type":"Progressing","reason":"ProgressDeadlineExceeded"}"#
        #expect(
            try progress(#"{"observedGeneration":3,"conditions":[\#(condition)]}"#) == .stuck)
        #expect(try progress(#"{"observedGeneration":3}"#, replicas: 0) == .arrived)
        #expect(try Kubectl.progress(#"{"items":[]}"#).isEmpty)
    }
}
