import Model
import Outside
import Testing

@testable import Tools

@Suite struct MicroK8sTests {
    static let token = Secret("jeeves0123456789abcdef0123456789abcdef")
    static let workerSentence = """
        This MicroK8s deployment is acting as a node in a cluster.
        Please use the control plane node.

        """

    func exit(_ code: Int32, _ output: String, errors: String = "") -> Finished {
        Finished(ending: .exited(code), output: output, errors: errors)
    }

    @Test("neither a ticket nor a token prints with its command")
    func printed() {
        let ticket = JoinTicket(
            controller: "10.1.2.3", token: Self.token,
            certificate: Digest(unchecked: String(repeating: "0", count: 64)))
        #expect(
            "\(MicroK8s.join(ticket, as: .worker))" == "/snap/bin/microk8s join 10.1.2.3 --worker")
        #expect("\(MicroK8s.addNode(token: Self.token))" == "/snap/bin/microk8s add-node")
    }

    @Test("argument vectors are exactly these")
    func argv() throws {
        func line(_ command: Command) -> String {
            ([command.program] + command.arguments).joined(separator: " ")
        }
        let ticket = JoinTicket(
            controller: "10.1.2.3", token: Self.token,
            certificate: Digest(unchecked: "1a2b3c4d5e6f" + String(repeating: "0", count: 52)))
        #expect(
            line(MicroK8s.status(timeout: .seconds(300)))
                == "/snap/bin/microk8s status --wait-ready --timeout 300 --format yaml")
        #expect(line(MicroK8s.enable("dns")) == "/snap/bin/microk8s enable dns")
        #expect(
            line(MicroK8s.addNode(token: Self.token))
                == "/snap/bin/microk8s add-node --token \(Self.token.reveal()) "
                + "--format json")
        #expect(
            line(MicroK8s.join(ticket, as: .worker))
                == "/snap/bin/microk8s join 10.1.2.3:25000/\(Self.token.reveal())/1a2b3c4d5e6f "
                + "--worker")
        #expect(
            line(MicroK8s.join(ticket, as: .controller))
                == "/snap/bin/microk8s join 10.1.2.3:25000/\(Self.token.reveal())/1a2b3c4d5e6f")
        #expect(line(MicroK8s.leave()) == "/snap/bin/microk8s leave")
        #expect(
            line(MicroK8s.removeNode(NodeName(unchecked: "worker-1")))
                == "/snap/bin/microk8s remove-node worker-1 --force")
        #expect(line(MicroK8s.config()) == "/snap/bin/microk8s config --use-loopback")
    }

    @Test("the launch configuration of a controller is exactly this")
    func launch() throws {
        let spec = MicroK8sSpec(
            role: .controller, channel: "1.34/stable",
            addons: ["dns", "hostpath-storage", "rbac"], extraSANs: ["10.1.2.3"])
        #expect(
            try MicroK8s.launchText(spec) == """
                version: 0.2.0
                extraSANs:
                  - "10.1.2.3"
                extraKubeAPIServerArgs:
                  --authorization-mode: "RBAC,Node"
                extraKubeletArgs:
                  --cluster-domain: cluster.local
                  --cluster-dns: 10.152.183.10
                addons:
                  - name: "dns"
                  - name: "hostpath-storage"

                """)
    }

    @Test("a worker's launch configuration turns the bundled add-ons off and names no cluster")
    func launchWorker() throws {
        let text = try MicroK8s.launchText(
            MicroK8sSpec(role: .worker, channel: "1.34/stable", addons: []))
        #expect(text.hasSuffix("addons: []\n"))
        #expect(!text.contains("join") && !text.contains("oken"))
    }

    @Test("a name that would break the YAML is refused", arguments: ["a\"b", "a\nb", "-x", ""])
    func launchInvalid(_ name: String) {
        let spec = MicroK8sSpec(role: .controller, channel: "1.34/stable", addons: [name])
        #expect(throws: Failure.self) { try MicroK8s.launchText(spec) }
    }

    @Test("status tells the add-ons that are enabled")
    func running() {
        let text = """
            microk8s:
              running: True
            high-availability:
              enabled: False
              nodes:
                - address: 10.1.2.3:19001
                  role: voter
            addons:
              - name: dns
                repository: core
                description: CoreDNS
                version: 1.12.0
                status: enabled
              - name: rbac
                repository: core
                description: Role-Based Access Control for authorisation
                version:
                status: disabled

            """
        #expect(MicroK8s.status(in: exit(0, text)) == .running(addons: ["dns"]))
    }

    @Test("a stopped MicroK8s and a worker are not running, though both exit 0")
    func lies() {
        #expect(
            MicroK8s.status(in: exit(0, "microk8s is not running, try microk8s start\n"))
                == .notReady(reason: "microk8s is not running, try microk8s start"))
        #expect(MicroK8s.status(in: exit(0, Self.workerSentence)) == .worker)
        #expect(MicroK8s.status(in: exit(0, "")) == .notReady(reason: "exit 0"))
    }

    @Test("add-node's fingerprint is taken, another token or none is refused")
    func minted() throws {
        let token = Self.token.reveal()
        let good = """
            {
              "token": "\(token)/1a2b3c4d5e6f",
              "urls": [
                "10.1.2.3:25000/\(token)/1a2b3c4d5e6f", "172.17.0.1:25000/\(token)/1a2b3c4d5e6f"
              ]
            }
            """
        #expect(
            try MicroK8s.fingerprint(ofMinted: Self.token, in: exit(0, good)) == "1a2b3c4d5e6f")
        let bad = [
            #"{"token":"\#(token)","urls":[]}"#, #"{"token":"other/1a2b3c4d5e6f","urls":[]}"#,
            "Invalid token size.  It must be 32 characters long.", Self.workerSentence,
        ]
        for text in bad {
            let failure = #expect(throws: Failure.self) {
                try MicroK8s.fingerprint(ofMinted: Self.token, in: exit(1, text))
            }
            #expect(failure?.message.contains(token) == false)
        }
    }

    @Test(
        "a join that failed says why",
        arguments: [
            ("Connection failed. Invalid token (500).", Failure.Code.unavailable),
            (
                "Connection failed. The hostname (w) of the joining node does not resolve to the "
                    + "IP \"10.1.2.4\". Refusing join (400).", .invalid
            ),
            ("Connection failed. w is already known to dqlite (500).", .conflict),
            ("Connection failed. Something new (500).", .failed),
        ])
    func joinFailed(_ text: String, _ code: Failure.Code) {
        #expect(MicroK8s.joinFailure(exit(6, text + "\n")).code == code)
    }

    @Test("a kubeconfig is one only if it leads to loopback")
    func kubeconfig() throws {
        let text = "apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:16443\n"
        #expect(try MicroK8s.kubeconfig(in: exit(0, text)).reveal() == text)
        for lie in [Self.workerSentence, "microk8s is not running, try microk8s start\n", ""] {
            #expect(throws: Failure.self) { try MicroK8s.kubeconfig(in: exit(0, lie)) }
        }
    }

    @Test("a member that never was is as removed as one that was")
    func removed() {
        #expect(MicroK8s.isRemoved(exit(1, "Node worker-1 does not exist in Kubernetes.\n")))
        #expect(MicroK8s.isRemoved(exit(0, "")))
        #expect(!MicroK8s.isRemoved(exit(0, Self.workerSentence)))
        #expect(!MicroK8s.isRemoved(exit(1, "Removal failed.\n")))
    }

    @Test("the control planes of a worker are read from its proxy's endpoints")
    func endpoints() {
        let text = """
            tcp:
              services:
                kube-apiserver:
                  loadBalancer:
                    servers:
                    - address: 10.1.2.3:16443
                    - address: "10.1.2.5:16443"

            """
        #expect(MicroK8s.controlPlanes(in: text) == ["10.1.2.3", "10.1.2.5"])
        #expect(MicroK8s.controlPlanes(in: "").isEmpty)
    }

    @Test("a controller's file tells the members of its datastore")
    func datastoreMembers() {
        let text = """
            - Address: 10.1.2.3:19001
              ID: 3297041220608546238
              Role: 0
            - Address: 10.1.2.4:19001
              ID: 9223372036854775807
              Role: 2

            """
        #expect(MicroK8s.datastoreMembers(in: text) == ["10.1.2.3", "10.1.2.4"])
        #expect(MicroK8s.datastoreMembers(in: "").isEmpty)
    }
}
