import Agent
import Glibc
import Model
import Outside
import Support
import Tools
import Trust

/// How a new certificate comes into service.
public enum RotationWay: String, CaseIterable, Sendable {
    case quiet = "no change"
    case swap = "jeeves: swap"
    case reload = "haproxy: reload"
    case restart = "haproxy: stop, start"
}

/// An edge with certificates in store, as if certbot had got them one after the other.
public struct RotationSite: Sendable {
    let edge: LoopbackEdge
    private let haproxy: any Step
    private let certificate: any Step

    /// Makes a CA and `generations` certificates in certbot's archive.
    public static func make(_ edge: LoopbackEdge, generations: Int) async throws -> RotationSite {
        let authority = ["-keyout", "\(edge.folder)/ca.key", "-out", "\(edge.folder)/ca.pem"]
        try await openssl(edge, ["-subj", "/CN=Rotation CA"] + authority)
        let certbot = Certbot(layout: edge.layout)
        try edge.world.files.makeDirectory(
            "\(edge.layout.certbotConfig)/archive/\(edge.domain)", mode: 0o700,
            op: "rotation.archive")
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
        return try RotationSite(edge)
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
    public func begin() async throws {
        try await converge(haproxy)
        try await change(to: 1, by: .swap)
    }

    /// Returns when clients are shown that generation.
    public func change(to generation: Int, by way: RotationWay) async throws {
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
            waitingFor: "HAProxy to show the new certificate", op: "rotation.shown"
        ) {
            let shown = try? await Probe.connect(
                host: "127.0.0.1", port: edge.layout.httpsPort, name: edge.domain)
            return shown?.facts == wanted ? true : nil as Bool?
        }
    }

    /// HAProxy's processes besides its master: old ones stay until their last connection ends.
    public func workers() async throws -> Int { try await processes().count - 1 }

    /// Open file descriptors of all of HAProxy's processes, and of this one, whose code swaps: but
    /// not HAProxy's connections to the chat, of which it keeps idle ones.
    public func descriptors() async throws -> Int {
        let files = edge.world.files
        let chat = try connectionsToChat()
        return try await (processes() + [Int(getpid())]).reduce(0) { sum, process in
            let folder = "/proc/\(process)/fd"
            let open = try files.list(folder).filter { name in
                (try? files.linkTarget("\(folder)/\(name)")).map { !chat.contains($0) } ?? false
            }
            return sum + open.count
        }
    }

    /// Both ends, as the links in `/proc/PID/fd` name them (proc_pid_net(5), `tcp`).
    private func connectionsToChat() throws -> Set<String> {
        let port = ":" + String(edge.backendPort, radix: 16, uppercase: true)
        let lines = (try edge.world.files.text("/proc/net/tcp", bytesMax: 16 << 20) ?? "")
            .split(separator: "\n").map { $0.split(separator: " ") }
        return Set(
            lines.filter { $0.count > 9 && ($0[1].hasSuffix(port) || $0[2].hasSuffix(port)) }
                .map { "socket:[\($0[9])]" })
    }

    /// How many more there are than `before`, ten seconds after the last client at most: a worker
    /// ends its connections in its own time.
    public func left(since before: Int) async throws -> Int {
        var left = 0
        _ = try? await edge.world.clock.poll(
            every: .milliseconds(100), atMost: .seconds(10), waitingFor: "descriptors to close",
            op: "rotation.descriptors"
        ) {
            left = try await descriptors() - before
            return left <= 0 ? true : nil as Bool?
        }
        return max(0, left)
    }

    /// The master and its children.
    private func processes() async throws -> [Int] {
        guard let master = await edge.units.pid.map({ Int($0) }) else { return [] }
        let files = edge.world.files
        // proc_pid_task(5), `children`.
        let children = try files.text("/proc/\(master)/task/\(master)/children") ?? ""
        return [master] + children.split(separator: " ").compactMap { Int($0) }
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
            edge.layout.bundle, with: Array(pem.reveal().utf8), mode: 0o600, op: "rotation.bundle")
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
            verb, "haproxy.service", deadline: .seconds(60), op: "rotation.\(verb)")
    }

    private static func step(_ body: StepBody, _ edge: LoopbackEdge) throws -> any Step {
        let spec = StepSpec(id: StepID(unchecked: body.kind), body: body)
        let step = Catalog.makeStep(
            spec, node: try NodeName("rotation"), state: edge.state, layout: edge.layout)
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
            op: "rotation.certificate")
    }
}
