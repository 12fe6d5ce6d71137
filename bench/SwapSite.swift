import Agent
import Model
import Outside
import Support
import Tools
import Trust

/// An edge with certificates in store, as if certbot had got them one after the other.
struct SwapSite {
    let edge: LoopbackEdge
    private let haproxy: any Step
    private let certificate: any Step

    /// Makes a CA and `generations` certificates in certbot's archive.
    static func make(_ edge: LoopbackEdge, generations: Int) async throws -> SwapSite {
        let authority = ["-keyout", "\(edge.folder)/ca.key", "-out", "\(edge.folder)/ca.pem"]
        try await openssl(edge, ["-subj", "/CN=Bench CA"] + authority)
        let certbot = Certbot(layout: edge.layout)
        try edge.world.files.makeDirectory(
            "\(edge.layout.certbotConfig)/archive/\(edge.domain)", mode: 0o700, op: "bench.archive")
        for number in 1...generations {
            try await openssl(
                edge,
                [
                    "-subj", "/CN=\(edge.domain)", "-CA", "\(edge.folder)/ca.pem",
                    "-CAkey", "\(edge.folder)/ca.key",
                    "-addext", "basicConstraints=critical,CA:FALSE",
                    "-addext", "subjectAltName=DNS:\(edge.domain)",
                    "-keyout", certbot.archived(.key, of: edge.domain, generation: number),
                    "-out", certbot.archived(.chain, of: edge.domain, generation: number),
                ])
        }
        return try SwapSite(edge)
    }

    private init(_ edge: LoopbackEdge) throws {
        self.edge = edge
        // All clients have one address here, so what limits an address is out of the way.
        haproxy = try Self.step(
            .haproxy(
                HAProxySpec(
                    domain: edge.domain, backendPort: edge.backendPort,
                    requestsPerTenSecondsMax: 1_000_000, connectionsPerSourceMax: 100_000)), edge)
        certificate = try Self.step(
            .certificate(
                CertificateSpec(
                    domain: edge.domain, email: "ops@example.test",
                    directory: "https://acme.example.test/dir",
                    trustPEM: edge.world.files.text("\(edge.folder)/ca.pem") ?? "")), edge)
    }

    /// HAProxy runs and serves generation 1.
    func begin() async throws {
        try await converge(haproxy)
        try await change(to: 1, by: .swap)
    }

    /// Returns when clients are shown that generation.
    func change(to generation: Int, by way: SwapBench.Way) async throws {
        guard way != .quiet else { return }
        try edge.link(generation: generation)
        switch way {
        case .quiet: return
        case .swap: return try await converge(certificate)
        case .reload:
            try place(generation)
            try await job(.reload)
        case .restart:
            // As the script of old did it: down first, then the new file.
            try await job(.stop)
            try place(generation)
            try await job(.start)
        }
        let (edge, wanted) = (edge, try facts(generation))
        _ = try await edge.world.clock.poll(
            every: .milliseconds(20), atMost: .seconds(20),
            waitingFor: "HAProxy to show the new certificate", op: "bench.shown"
        ) {
            let shown = try? await Probe.connect(
                host: "127.0.0.1", port: edge.layout.httpsPort, name: edge.domain)
            return shown?.facts == wanted ? true : nil as Bool?
        }
    }

    /// HAProxy's processes besides its master: old ones stay until their last connection ends.
    func workers() async throws -> Int {
        let master = await edge.units.pid.map { Int($0) }
        let files = edge.world.files
        return try files.list("/proc").filter { name in
            let status = Int(name).flatMap { _ in try? files.text("/proc/\(name)/status") }
            return status.map { number("PPid:", in: $0) } == master
        }.count
    }

    /// What the agent's reconciler does.
    private func converge(_ step: any Step) async throws {
        if try await step.check(edge.world) == .right { return }
        try await step.apply(edge.world)
        let condition = try await step.check(edge.world)
        guard condition == .right else {
            throw Failure(.failed, "checking again: it still differs: \(condition)")
        }
    }

    private func place(_ generation: Int) throws {
        let pem = Bundle(
            keyPEM: Secret(try text(.key, generation)), fullchainPEM: try text(.chain, generation)
        ).pem
        try edge.world.files.replace(
            edge.layout.bundle, with: Array(pem.reveal().utf8), mode: 0o600, op: "bench.bundle")
    }

    private func facts(_ generation: Int) throws -> CertificateFacts {
        try CertificateFacts(pem: text(.chain, generation))
    }

    private func text(_ part: Certbot.Part, _ generation: Int) throws -> String {
        let certbot = Certbot(layout: edge.layout)
        let path = certbot.archived(part, of: edge.domain, generation: generation)
        return try edge.world.files.text(path) ?? ""
    }

    private func job(_ verb: UnitVerb) async throws {
        try await edge.units.job(
            verb, "haproxy.service", deadline: .seconds(60), op: "bench.\(verb)")
    }

    private static func step(_ body: StepBody, _ edge: LoopbackEdge) throws -> any Step {
        let spec = StepSpec(id: StepID(unchecked: body.kind), body: body)
        let step = Catalog.makeStep(
            spec, node: try NodeName("bench"), state: edge.state, layout: edge.layout)
        guard let step else { throw Failure(.unsupported, "making the step \(body.kind)") }
        return step
    }

    private static func openssl(_ edge: LoopbackEdge, _ more: [String]) async throws {
        let common = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "90",
        ]
        _ = try await edge.world.processes.output(
            of: Command("openssl", common + more), limits: Limits(deadline: .seconds(30)),
            op: "bench.certificate")
    }
}
