import Model
import Testing
import Trust

@testable import Coordinator

@Suite struct NodeSpecsTests {
    private func cluster() throws -> ClusterSpec {
        let text = Example.render(
            Founding.Values(
                cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1"))
        return try ClusterFile.decode(text, path: "jeeves.yaml")
    }

    private func steps(_ role: MicroK8sSpec.Role) throws -> [StepSpec] {
        NodeSpecs.steps(
            of: try cluster(), role: role, acme: .init(), controllerAddress: "10.42.0.10")
    }

    @Test("a controller gets the edge in the order of its needs, and Kubernetes beside it")
    func controller() throws {
        let steps = try steps(.controller)
        #expect(
            steps.map(\.id.rawValue) == ["packages", "haproxy", "certificate", "microk8s"])
        #expect(steps[2].needs == [steps[1].id])
        #expect(steps[3].needs == [steps[0].id], "a CA that is down must not hold up Kubernetes")
        guard case .packages(let packages) = steps[0].body else {
            Issue.record("the first step is not packages")
            return
        }
        #expect(packages.masked == ["certbot.timer"], "renewal has one owner")
    }

    @Test("each type of key that is asked for is a step, ECDSA first, and each knows them all")
    func keyTypes() throws {
        var asked = try cluster()
        func certificates() -> [StepSpec] {
            NodeSpecs.steps(
                of: asked, role: .controller, acme: .init(), controllerAddress: "10.42.0.10"
            ).filter { $0.body.kind == "certificate" }
        }
        asked.certificate.keyTypes = [.rsa, .ecdsa]
        #expect(certificates().map(\.id.rawValue) == ["certificate", "certificate-rsa"])
        let specs = certificates().compactMap { step in
            if case .certificate(let spec) = step.body { spec } else { nil }
        }
        #expect(specs.map(\.keyType) == [.ecdsa, .rsa])
        #expect(specs.allSatisfy { $0.keyTypes == [.ecdsa, .rsa] })
        asked.certificate.keyTypes = [.rsa]
        #expect(certificates().map(\.id.rawValue) == ["certificate"])
    }

    @Test("a worker joins the controller's private address and gets no edge")
    func worker() throws {
        let steps = try steps(.worker)
        #expect(steps.last?.body == .join(JoinSpec(controller: "10.42.0.10")))
        #expect(!steps.contains { $0.body.kind == "haproxy" })
    }

    @Test(
        "needs name steps that stand earlier in the same spec",
        arguments: [
            MicroK8sSpec.Role.controller, .worker,
        ])
    func order(role: MicroK8sSpec.Role) throws {
        var seen: Set<StepID> = []
        for step in try steps(role) {
            #expect(Set(step.needs).isSubset(of: seen))
            seen.insert(step.id)
        }
    }

    @Test("each kind of step has its policy; certificates and the membership are always repaired")
    func drift() throws {
        var changed = try cluster()
        changed.drift.haproxy = .report
        changed.drift.microk8s = .report
        func reported(_ role: MicroK8sSpec.Role) -> [String] {
            NodeSpecs.steps(
                of: changed, role: role, acme: .init(), controllerAddress: "10.42.0.10"
            ).filter { $0.drift == .report }.map(\.id.rawValue)
        }
        #expect(reported(.controller) == ["haproxy", "microk8s"])
        #expect(reported(.worker) == ["microk8s"])
        changed.drift.packages = .report
        #expect(reported(.controller) == ["packages", "haproxy", "microk8s"])
        #expect(try steps(.controller).allSatisfy { $0.drift == .repair }, "the default")
    }

    @Test("the same cluster file gives the same digest, a changed one another")
    func digests() throws {
        #expect(try Hash.digest(of: steps(.controller)) == Hash.digest(of: steps(.controller)))
        var changed = try cluster()
        changed.edge.connectionsMax += 1
        let other = NodeSpecs.steps(
            of: changed, role: .controller, acme: .init(), controllerAddress: "10.42.0.10")
        #expect(try Hash.digest(of: other) != Hash.digest(of: steps(.controller)))
    }
}
