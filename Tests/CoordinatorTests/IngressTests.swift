import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct IngressTests {
    @Test("an empty cluster gets the kinds first and then Traefik; a second run changes nothing")
    func converges() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            try await StageStand.with(fake, cluster, store: store) { stand in
                let planned = try await Ingress().plan(stand.run)
                #expect(planned.count == 2)
                #expect(fake.changes.isEmpty, "a plan only reads")
                #expect(try await Ingress().run(stand.run) == "Traefik 3.5.0")
                #expect(fake.changes == ["kubectl apply", "kubectl apply"])
                #expect(cluster.kinds().prefix(10).allSatisfy { $0 == "CustomResourceDefinition" })
                #expect(cluster.kinds().contains("Deployment"))
                #expect(cluster.kinds().last == "PodDisruptionBudget")
                let before = fake.changes
                #expect(try await Ingress().run(stand.run) == nothingToDo)
                #expect(try await Ingress().plan(stand.run).isEmpty)
                #expect(fake.changes == before)
            }
        }
    }

    @Test("only the controllers' own addresses are believed, no worker's")
    func trust() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await Ingress().run(stand.run)
            }
            let map = cluster.look { $0.objects.first { $0.kind == "ConfigMap" }?.text } ?? ""
            #expect(
                map.contains(#"trustedIPs: ["10.1.0.0/32", "10.1.0.1/32", "10.42.0.10/32"]"#))
        }
    }

    @Test("the kubeconfig is there while the coordinator drives, and goes with its tunnel")
    func kubeconfig() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            let path = KubernetesAccess.kubeconfig(in: StageStand.project)
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await Ingress().run(stand.run)
                #expect(fake.files[path]?.contains("https://127.0.0.1:") == true)
                #expect(fake.files.mode(of: path) == 0o600)
            }
            #expect(fake.files[path] == nil)
        }
    }

    @Test("a kubeconfig without keys is none, and is written nowhere")
    func strangeKubeconfig() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            let strange = "users:\n- user:\n    exec: {command: /bin/sh}\n"
            try await StageStand.with(fake, cluster, store: store, kubeconfig: strange) { stand in
                let failure = await #expect(throws: Failure.self) {
                    try await Ingress().run(stand.run)
                }
                #expect(failure?.code == .invalid)
                #expect(failure?.message.contains("controller-1") == true)
            }
            #expect(fake.files[KubernetesAccess.kubeconfig(in: StageStand.project)] == nil)
            #expect(fake.changes.isEmpty)
        }
    }

    @Test("the controller is asked for its kubeconfig again only after ten minutes")
    func kubeconfigAge() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            let path = KubernetesAccess.kubeconfig(in: StageStand.project)
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await Ingress().run(stand.run)
                let given = fake.files[path]
                fake.files[path] = "not asked again"
                _ = try await Ingress().run(stand.run)
                #expect(fake.files[path] == "not asked again")
                fake.clock.advance(by: KubernetesAccess.kubeconfigAge)
                _ = try await Ingress().run(stand.run)
                #expect(fake.files[path] == given)
            }
        }
    }

    @Test("killed after any of its effects, it ends the same when it runs again")
    func crashes() async throws {
        try await StageStand.crashes(Ingress()) { _, cluster in
            #expect(cluster.kinds().filter { $0 == "Deployment" }.count == 1)
            #expect(cluster.kinds().filter { $0 == "CustomResourceDefinition" }.count == 10)
        }
    }

    @Test("an API server that is away for some seconds is waited for")
    func outage() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { $0.outages = 5 }
            try await StageStand.with(fake, cluster, store: store) { stand in
                let done = try await Ingress().run(stand.run)
                #expect(done == "Traefik 3.5.0")
            }
        }
    }

    @Test("an API server that stays away ends the stage with its words")
    func longOutage() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { $0.outages = 10_000 }
            try await StageStand.with(fake, cluster, store: store) { stand in
                let failure = await #expect(throws: Failure.self) {
                    try await Ingress().run(stand.run)
                }
                #expect(failure?.message.contains("connection refused") == true)
            }
        }
    }

    @Test("pods that do not start are named when the wait is over")
    func diagnosis() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            fake.processes.on(
                "kubectl", "--kubeconfig=/p/.jeeves/kube/config", "rollout", "status"
            ) { _ in Finished(ending: .exited(1), errors: "error: timed out waiting") }
            try await StageStand.with(fake, cluster, store: store) { stand in
                let failure = await #expect(throws: Failure.self) {
                    try await Ingress().run(stand.run)
                }
                #expect(failure?.code == .timeout)
                #expect(failure?.message.contains("chat-1/chat: ImagePullBackOff") == true)
                #expect(failure?.message.contains("no image") == true)
            }
        }
    }
}
