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

    private func place(
        _ name: String, controllers: Int = 1, isFounded: Bool = false
    ) -> Place {
        Place(
            NodeName(unchecked: name), in: .sample(controllers: controllers), isFounded: isFounded)
    }

    private func steps(_ name: String, controllers: Int = 1) throws -> [StepSpec] {
        NodeSpecs.steps(
            of: try cluster(), at: place(name, controllers: controllers), acme: .init())
    }

    @Test("a controller gets the edge in the order of its needs, and Kubernetes beside it")
    func controller() throws {
        let steps = try steps("controller-1")
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
            NodeSpecs.steps(of: asked, at: place("controller-1"), acme: .init()).filter {
                $0.body.kind == "certificate"
            }
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
        let steps = try steps("worker-1")
        #expect(steps.last?.body == .join(JoinSpec(controller: "10.42.0.10")))
        #expect(!steps.contains { $0.body.kind == "haproxy" })
    }

    @Test("further controllers join the first one's control plane, without edge and add-ons")
    func furtherController() throws {
        let steps = try steps("controller-2", controllers: 3)
        #expect(steps.map(\.id.rawValue) == ["packages", "microk8s", "join"])
        #expect(
            steps.last?.body
                == .join(
                    JoinSpec(
                        controller: "10.42.0.10", others: ["10.42.0.12"], role: .controller)))
        let addons = steps.compactMap { step in
            if case .microk8s(let spec) = step.body { spec.addons } else { nil }
        }
        #expect(addons == [[]])
        #expect(try self.steps("controller-1", controllers: 3).last?.id.rawValue == "microk8s")
    }

    @Test("a first controller that was made anew joins the cluster that others hold")
    func founded() {
        let place = place("controller-1", controllers: 3, isFounded: true)
        #expect(place.hasEdge)
        #expect(
            place.join
                == JoinSpec(controller: "10.42.0.11", others: ["10.42.0.12"], role: .controller))
    }

    @Test("a worker knows every controller")
    func workerOfMany() {
        #expect(
            place("worker-1", controllers: 3).join
                == JoinSpec(controller: "10.42.0.10", others: ["10.42.0.11", "10.42.0.12"]))
    }

    @Test(
        "needs name steps that stand earlier in the same spec",
        arguments: ["controller-1", "controller-2", "worker-1"])
    func order(name: String) throws {
        var seen: Set<StepID> = []
        for step in try steps(name, controllers: 3) {
            #expect(Set(step.needs).isSubset(of: seen))
            seen.insert(step.id)
        }
    }

    @Test("each kind of step has its policy; certificates and the membership are always repaired")
    func drift() throws {
        var changed = try cluster()
        changed.drift.haproxy = .report
        changed.drift.microk8s = .report
        func reported(_ node: String) -> [String] {
            NodeSpecs.steps(of: changed, at: place(node), acme: .init())
                .filter { $0.drift == .report }.map(\.id.rawValue)
        }
        #expect(reported("controller-1") == ["haproxy", "microk8s"])
        #expect(reported("worker-1") == ["microk8s"])
        changed.drift.packages = .report
        #expect(reported("controller-1") == ["packages", "haproxy", "microk8s"])
        #expect(try steps("controller-1").allSatisfy { $0.drift == .repair }, "the default")
    }

    @Test("the same cluster file gives the same digest, a changed one another")
    func digests() throws {
        #expect(
            try Hash.digest(of: steps("controller-1")) == Hash.digest(of: steps("controller-1")))
        var changed = try cluster()
        changed.edge.connectionsMax += 1
        let other = NodeSpecs.steps(of: changed, at: place("controller-1"), acme: .init())
        #expect(try Hash.digest(of: other) != Hash.digest(of: steps("controller-1")))
    }

    @Test("a worker of one controller keeps the digest that it had before there could be several")
    func pinned() throws {
        #expect(
            try Hash.digest(of: steps("worker-1")).rawValue
                == "c26790f6ef412da609b19f29d6306bba2e629f74d2a406679bd63f2ccae1307f")
    }
}

extension Infrastructure {
    /// So many controllers, and two workers.
    fileprivate static func sample(controllers: Int) -> Infrastructure {
        let nodes =
            (1...controllers).map { (MicroK8sSpec.Role.controller, $0, 9 + $0) }
            + (1...2).map { (MicroK8sSpec.Role.worker, $0, 19 + $0) }
        let machines = nodes.map { role, number, host in
            (
                NodeName(unchecked: "\(role.rawValue)-\(number)"),
                Machine(
                    role: role, instanceID: "i-\(host)", privateAddress: "10.42.0.\(host)",
                    publicAddress: "")
            )
        }
        return Infrastructure(
            account: "1", roleName: "r", machines: Dictionary(uniqueKeysWithValues: machines))
    }
}
