import FoundationEssentials
import Logging
import Model
import Outside
import Support
import Testing
import Tools
import Trust
import Wire

@testable import Agent

@Suite struct RequestsTests {
    static let der = Array("not really a certificate".utf8)
    static let ticket = JoinTicket(
        controller: "10.1.2.3", token: Secret("jeeves0123456789abcdef0123456789abcdef"),
        certificate: Hash.sha256(der))

    let node = FakeMicroK8s(FakeWorld())

    /// Requests to a node whose spec says to join so; nil for one that has no spec.
    func requests(
        served: Digest = ticket.certificate,
        join: JoinSpec? = JoinSpec(controller: "10.1.2.3")
    ) throws -> Requests {
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let (world, state) = (node.fake.world, StateFolder())
        let reconciler = Reconciler(
            settings: Settings(
                cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"),
                pin: served, coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil),
            state: state, world: world,
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            events: EventSpool(files: world.files, state: state), version: "1", log: log,
            makeStep: { spec in
                if case .join(let body) = spec.body {
                    JoinStep(id: spec.id, spec: body)
                } else {
                    nil
                }
            })
        if let join { try give(join, state) }
        return Requests(
            world: world, tunnels: Tunnels(log: log) { _ in },
            reconciler: reconciler, look: { _, _ in served })
    }

    private func give(_ join: JoinSpec, _ state: StateFolder) throws {
        let steps = [StepSpec(id: StepID(unchecked: "join"), body: .join(join))]
        let spec = NodeSpec(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "worker-1"), epoch: 1,
            run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1,
            digest: try Hash.digest(of: steps), steps: steps, coordinators: [])
        node.fake.files.put(try JSON.encode(spec), at: state.spec, mode: 0o600)
    }

    func failure(_ body: Reply.Body) -> Failure? {
        if case .failure(let failure) = body { failure } else { nil }
    }

    /// A controller at 10.1.2.3 whose `add-node` answers with `fingerprint`.
    func controller(fingerprint: String = String(ticket.certificate.rawValue.prefix(12))) {
        let fake = node.fake
        fake.files["/proc/net/route"] =
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
            + "eth0\t00000000\t0102010A\t0003\t0\t0\t0\t00000000\n"
        fake.files["/proc/net/fib_trie"] =
            "           |-- 10.1.2.3\n              /32 host LOCAL\n"
            + "           |-- 172.17.0.1\n              /32 host LOCAL\n"
        fake.files[MicroK8s.serverCertificate] =
            "-----BEGIN CERTIFICATE-----\n\(Data(Self.der).base64EncodedString())\n"
            + "-----END CERTIFICATE-----\n"
        fake.processes.on("microk8s", "add-node") { command in
            let token = command.arguments[2]
            return Finished(
                ending: .exited(0),
                output: #"{"token":"\#(token)/\#(fingerprint)","urls":[]}"#)
        }
    }

    @Test("a ticket has this controller's own address, a new token and the whole fingerprint")
    func mint() async throws {
        controller()
        node.fake.files[MicroK8s.tokens] = "jeevesold|5\nsomebodys|9\n"
        guard case .secret(let secret) = try await requests().answer(.mintJoinTicket) else {
            Issue.record("no ticket came")
            return
        }
        let ticket = try JSON.decode(
            JoinTicket.self, from: secret.reveal().utf8, what: "the ticket")
        #expect(ticket.controller == "10.1.2.3")
        #expect(ticket.certificate == Self.ticket.certificate)
        #expect(ticket.token.reveal().count >= 32)
        #expect(node.fake.files[MicroK8s.tokens] == "somebodys|9\n")
        #expect(
            node.fake.processes.argvs == [
                [
                    "/snap/bin/microk8s", "add-node", "--token", ticket.token.reveal(),
                    "--format", "json",
                ]
            ])
    }

    @Test("two tickets have different tokens")
    func mintTwice() async throws {
        controller()
        _ = try await requests().answer(.mintJoinTicket)
        _ = try await requests().answer(.mintJoinTicket)
        #expect(Set(node.fake.processes.argvs.map { $0[3] }).count == 2)
    }

    @Test("a certificate that changed between the ticket and the look gives no ticket")
    func mintStale() async throws {
        controller(fingerprint: "000000000000")
        #expect(failure(try await requests().answer(.mintJoinTicket))?.code == .conflict)
    }

    @Test("a worker mints nothing, though it may exit 0")
    func mintOnWorker() async throws {
        controller()
        node.fake.processes.on("microk8s", "add-node") { _ in FakeMicroK8s.workerSentence }
        #expect(failure(try await requests().answer(.mintJoinTicket))?.code == .unsupported)
    }

    @Test("a join is done when the membership is there, whatever the exit code says")
    func join() async throws {
        node.fake.units.on("microk8s", "join") { [node] _ in
            node.become(workerOf: "10.1.2.3")
            return Finished(ending: .exited(5), output: "Connection failed.\n")
        }
        #expect(try await requests().answer(.join(Self.ticket)) == .done)
        let unit = try #require(node.fake.units.ran.first)
        #expect(unit.command == MicroK8s.join(Self.ticket, as: .worker))
        #expect(unit.name.hasPrefix("jeeves-op-join-"))
    }

    @Test("a node whose spec says so joins as a member of the control plane")
    func joinControlPlane() async throws {
        node.fake.units.on("microk8s", "join") { [node] _ in
            node.become(controllerWith: "10.1.2.3", "10.1.2.4")
            return Finished(ending: .exited(0))
        }
        let join = JoinSpec(controller: "10.1.2.3", role: .controller)
        #expect(try await requests(join: join).answer(.join(Self.ticket)) == .done)
        #expect(
            node.fake.units.ran.map(\.command) == [MicroK8s.join(Self.ticket, as: .controller)])
    }

    @Test("a ticket for another controller than the spec's, or with no spec, opens nothing")
    func joinUnasked() async throws {
        for join in [nil, JoinSpec(controller: "10.1.2.9", others: ["10.1.2.3"])] {
            let refusal = failure(try await requests(join: join).answer(.join(Self.ticket)))
            #expect(refusal?.code == .conflict)
            #expect(refusal?.fix.contains("jeeves up") == true)
        }
        #expect(node.fake.ops.isEmpty)
    }

    @Test("a join that exits 0 without membership is a failure")
    func joinLies() async throws {
        node.fake.units.on("microk8s", "join") { _ in
            Finished(ending: .exited(0), output: "Successfully joined the cluster.\n")
        }
        let failure = failure(try await requests().answer(.join(Self.ticket)))
        #expect(failure?.code == .failed)
        #expect(failure?.message.hasSuffix("reported success, but nothing changed") == true)
    }

    @Test("a ticket that was consumed is told, and another one may work")
    func joinConsumed() async throws {
        node.fake.units.on("microk8s", "join") { _ in
            Finished(ending: .exited(6), output: "Connection failed. Invalid token (500).\n")
        }
        let failure = failure(try await requests().answer(.join(Self.ticket)))
        #expect(failure?.mayPass == true)
        #expect(failure?.message.contains("the ticket was used already or has expired") == true)
        #expect(failure?.description.contains(Self.ticket.token.reveal()) == false)
    }

    @Test("nothing is sent to a controller that serves another certificate")
    func joinImpostor() async throws {
        let impostor = try requests(served: Hash.sha256([1]))
        #expect(failure(await impostor.answer(.join(Self.ticket)))?.code == .unauthorized)
        #expect(node.fake.ops.isEmpty)
    }

    @Test("a member is not joined twice, a member of another cluster not at all")
    func joinAgain() async throws {
        node.become(workerOf: "10.1.2.3")
        #expect(try await requests().answer(.join(Self.ticket)) == .done)
        node.become(workerOf: "10.9.9.9")
        #expect(failure(try await requests().answer(.join(Self.ticket)))?.code == .conflict)
        #expect(node.fake.ops.isEmpty)
    }

    @Test("two tickets for one controller share the unit's name, so a second join waits")
    func joinNames() async throws {
        node.fake.units.on("microk8s", "join") { _ in Finished(ending: .exited(6)) }
        let other = JoinTicket(
            controller: "10.1.2.3", token: Secret("another"), certificate: Self.ticket.certificate)
        _ = try await requests().answer(.join(Self.ticket))
        _ = try await requests().answer(.join(other))
        #expect(Set(node.fake.units.ran.map(\.name)).count == 1)
    }

    @Test("the kubeconfig comes as a secret; a worker and a stopped MicroK8s have none")
    func kubeconfig() async throws {
        let text = "apiVersion: v1\n    server: https://127.0.0.1:16443\n"
        node.fake.processes.on("microk8s", "config", prints: text)
        #expect(try await requests().answer(.kubeconfig) == .secret(Secret(text)))
        node.fake.processes.on("microk8s", "config") { _ in FakeMicroK8s.workerSentence }
        #expect(failure(try await requests().answer(.kubeconfig))?.code == .unsupported)
        node.fake.processes.on("microk8s", "config", prints: "microk8s is not running\n")
        #expect(failure(try await requests().answer(.kubeconfig))?.code == .unavailable)
    }

    @Test("one tunnel more than a node carries is refused by an answer")
    func tunnels() async throws {
        let clock = ManualClock()
        let tunnels = Tunnels(
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) {
            _ in try await clock.sleep(.seconds(1), op: "test.tunnel")
        }
        for number in 1...Tunnels.openMax { try await tunnels.open(UInt64(number)) }
        let refusal = await #expect(throws: Failure.self) { try await tunnels.open(99) }
        #expect(refusal?.code == .unavailable)
        await clock.sleeping(Tunnels.openMax)
        clock.advance(by: .seconds(1))
    }

    @Test("certbot's log is its own file, because the journal has nothing that a unit prints")
    func certbotLog() async throws {
        let path = Certbot().log
        let absent = failure(try await requests().answer(.logs(.certbot, lines: 2)))
        #expect(absent?.code == .notFound)
        #expect(absent?.message == "reading \(path): certbot has not run on this node")
        node.fake.files[path] = "one\ntwo\nthree\n"
        #expect(try await requests().answer(.logs(.certbot, lines: 2)) == .text("two\nthree"))
    }

    @Test("a node without an edge holds no certificate")
    func certificates() async throws {
        #expect(try await requests().answer(.certificates) == .text("[]"))
    }

    @Test("a node without an edge tells what its agent costs, and nothing that it cannot know")
    func figures() async throws {
        let fake = node.fake
        fake.files["/proc/self/stat"] = "7 (jeeves-agent) S 1 7 7 0 -1 0 9 0 0 0 150 50 0 0"
        fake.files["/proc/self/status"] = "VmRSS:\t  4096 kB\n"
        fake.files["/proc/self/fd/0"] = ""
        guard case .text(let text) = try await requests().answer(.figures) else {
            Issue.record("no figures came")
            return
        }
        #expect(
            try JSON.decode(NodeFigures.self, from: text.utf8, what: "the figures")
                == NodeFigures(
                    process: ProcessFigures(
                        cpuSeconds: 2, residentBytes: 4 << 20, openFiles: 1), haproxy: nil))
    }

    @Test("removing a member that is gone is done")
    func removeMember() async throws {
        let worker = NodeName(unchecked: "worker-1")
        node.fake.processes.on("microk8s", "remove-node") { _ in
            Finished(
                ending: .exited(1), output: "Node worker-1 does not exist in Kubernetes.\n")
        }
        #expect(try await requests().answer(.removeMember(worker)) == .done)
        node.fake.processes.on("microk8s", "remove-node") { _ in
            Finished(ending: .exited(1), output: "Removal failed.\n")
        }
        #expect(failure(try await requests().answer(.removeMember(worker)))?.code == .failed)
    }

    @Test("a request that this agent does not know is answered, with what to install")
    func unknown() async throws {
        let refusal = failure(try await requests().answer(.unknown(kind: "brewCoffee")))
        #expect(refusal?.code == .unsupported)
        #expect(refusal?.message.contains("brewCoffee") == true)
        #expect(refusal?.fix.contains("jeeves-agent") == true)
        let part = failure(try await requests().answer(.diagnostics(.unknown)))
        #expect(part?.code == .unsupported)
    }
}
