import Agent
import FoundationEssentials
import Glibc
import Model
import Outside
import Support
import Testing
import Tools
import Trust

/// A node whose edge is real: HAProxy and certbot as the product's steps drive them, a CA that they
/// ask, and a chat behind them. The agent's process on it can be killed.
struct EdgeNode: Sendable {
    let edge: LoopbackEdge
    let pebble: Pebble
    let clock: ShiftedClock
    /// Counts the effects of the agent's process, and kills it.
    let ledger: FakeWorld
    /// What the agent's process sees.
    let world: World

    var layout: EdgeLayout { edge.layout }

    /// A certificate of pebble's is due after 60 days and valid for 90.
    static let untilDue = Duration.seconds(75 * 86_400)

    /// HAProxy runs with our configuration and an empty list.
    static func with<Value>(
        _ debian: Debian = .bookworm, lifetime: Duration = .seconds(90 * 86_400),
        _ body: (EdgeNode) async throws -> Value
    ) async throws -> Value {
        try await LoopbackEdge.with(debian, sparePorts: Pebble.ports) { edge in
            try await Pebble.with(in: edge, lifetime: lifetime) { pebble in
                let node = EdgeNode(edge, pebble)
                return try await LoopbackChat.with(port: edge.backendPort) {
                    try await node.converge(node.haproxy)
                    return try await body(node)
                }
            }
        }
    }

    private init(_ edge: LoopbackEdge, _ pebble: Pebble) {
        self.init(edge, pebble, ShiftedClock(edge.world.clock), files: edge.world.files)
    }

    private init(
        _ edge: LoopbackEdge, _ pebble: Pebble, _ clock: ShiftedClock, files: any Files
    ) {
        (self.edge, self.pebble, self.clock) = (edge, pebble, clock)
        ledger = FakeWorld()
        var outside = edge.world
        outside.files = files
        world = outside.mortal(by: ledger, clock: clock)
    }

    /// The same node with a new process of the agent's, which sees its files through `files` if
    /// there are any.
    func reborn(files: (any Files)? = nil) -> EdgeNode {
        EdgeNode(edge, pebble, clock, files: files ?? edge.world.files)
    }

    var haproxy: any Step {
        get throws {
            try step(.haproxy(HAProxySpec(domain: edge.domain, backendPort: edge.backendPort)))
        }
    }

    var certificate: any Step { get throws { try certificate(.ecdsa, of: [.ecdsa]) } }

    /// One of a domain that is served with `types`.
    func certificate(_ type: KeyType, of types: [KeyType]) throws -> any Step {
        try step(
            .certificate(
                CertificateSpec(
                    domain: edge.domain, email: "ops@example.test",
                    directory: pebble.directory, caPEM: pebble.caPEM,
                    trustPEM: pebble.rootPEM + pebble.caPEM, keyType: type, keyTypes: types)))
    }

    func step(_ body: StepBody) throws -> any Step {
        try #require(
            Catalog.makeStep(
                StepSpec(id: StepID(unchecked: body.kind), body: body),
                node: NodeName("ctrl-1"), state: edge.state, layout: layout))
    }

    /// What the reconciler does with one step: checks, applies if it must, checks again.
    func converge(_ step: any Step) async throws {
        if try await step.check(world) == .right { return }
        try await step.apply(world)
        let condition = try await step.check(world)
        guard condition == .right else {
            throw Failure(.failed, "checking again: it still differs: \(condition)")
        }
    }

    /// What a client is shown that connects now, and that knows only `type` if there is one.
    func served(_ type: KeyType? = nil) async throws -> CertificateFacts {
        try await Probe.connect(
            host: "127.0.0.1", port: layout.httpsPort, name: edge.domain, keyType: type
        ).facts
    }

    /// What is in the bundle on disk.
    func placed(_ type: KeyType = .ecdsa) throws -> CertificateFacts {
        try CertificateFacts(pem: edge.world.files.text(layout.bundle(of: type)) ?? "")
    }

    /// Serves a certificate that certbot did not make, for what is only about HAProxy: no order.
    func serveMinted() async throws {
        try await mintFirst(.ecdsa)
        try await converge(certificate)
    }

    /// The first generation of a lineage that certbot has not made.
    func mintFirst(_ type: KeyType) async throws {
        let lineage = Certbot(layout: layout).lineage(of: edge.domain, type)
        try edge.world.files.makeDirectory(
            "\(layout.certbotConfig)/archive/\(lineage)", mode: 0o700, op: "test.archive")
        try await mint(generation: 1, type)
    }

    /// Puts a generation into certbot's archive, newer than those before, and points its links at
    /// it, as a renewal does. It is issued here, so no order is made.
    func mint(generation: Int, _ type: KeyType = .ecdsa) async throws {
        let certbot = Certbot(layout: layout)
        let key =
            type == .rsa
            ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        let command = Command(
            "openssl",
            ["req", "-x509", "-nodes", "-days", "90", "-newkey"] + key + [
                "-subj", "/CN=\(edge.domain)", "-addext", "subjectAltName=DNS:\(edge.domain)",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-CA", "\(edge.folder)/ca.pem", "-CAkey", "\(edge.folder)/ca.key",
                "-keyout",
                certbot.archived(.key, of: edge.domain, type, generation: generation),
                "-out",
                certbot.archived(.chain, of: edge.domain, type, generation: generation),
            ])
        _ = try await edge.world.processes.output(
            of: command, limits: Limits(deadline: .seconds(30)), op: "test.mint")
        try edge.link(generation: generation, type)
    }

    /// How often certbot was run.
    var orders: Int { get async { await edge.units.programs.filter { $0 == "certbot" }.count } }

    /// HAProxy's version and the pid of the worker that answers.
    var worker: String { get async throws { try await haproxy.detail(edge.world) } }
}

extension EdgeNode {
    /// Whether HAProxy would start on what is on disk.
    func wouldStart() async throws -> Bool {
        try await edge.world.processes.run(
            HAProxy.check(layout.configFile), limits: Limits(deadline: .seconds(10)),
            op: "test.check"
        ).succeeded
    }
}

/// Whether this machine has the real programs, and we may start HAProxy as its package does.
enum Programs {
    static let hint: Comment =
        "needs root, haproxy, certbot, pebble and openssl: `make setup` installs them"

    static var areThere: Bool {
        let names = ["haproxy", "certbot", "pebble", "pebble-challtestsrv", "openssl"]
        return getuid() == 0
            && names.allSatisfy { name in
                ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].contains {
                    access("\($0)/\(name)", X_OK) == 0
                }
            }
    }
}
