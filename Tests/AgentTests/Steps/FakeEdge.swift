import Foundation
import Model
import Outside
import Support
import Synchronization
import Tools
import Trust

@testable import Agent

/// HAProxy 2.6, its runtime API and certbot, played in a fake world as they were recorded: what
/// one command leaves behind the next one finds.
final class FakeEdge: Sendable {
    private struct State {
        var description = ""
        var isRunning = false
        var pid = 100
        /// PEM by path; empty for a place that was only made.
        var memory: [String: String] = [:]
        var transaction: [String: String] = [:]
        var used: Set<String> = []
        var generations: [EdgeFixtures.Generation]
        var issued: [KeyType: Int] = [:]
        var refusal: Finished?
        /// Handshakes go on showing the old certificate.
        var isStuck = false
        var refusesConfig: String?
        /// It would not start with this one in the bundle.
        var refusedSerial: String?
        var oldWorkers = 0
        /// What the CA says the time is; nil if it has the node's.
        var caDate: Date?
    }

    let fake: FakeWorld
    let layout = EdgeLayout()
    private let state: Mutex<State>

    init(
        _ fake: FakeWorld,
        issues generations: [EdgeFixtures.Generation] = [EdgeFixtures.first, EdgeFixtures.second]
    ) {
        self.fake = fake
        state = Mutex(State(generations: generations))
        fake.files.directory("/etc/haproxy")
        fake.files.directory("/var/lib/jeeves", mode: 0o700)
        fake.units.install(HAProxyStep.unit, running: false)
        fake.processes.on(
            "haproxy", "-v", prints: "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://")
        fake.processes.on("haproxy", "-c") { [self] _ in judgeConfig() }
        fake.processes.on("dpkg", "--verify") { _ in Finished(ending: .exited(0)) }
        fake.units.onJob(.start, HAProxyStep.unit) { [self] in load() }
        fake.units.onJob(.reload, HAProxyStep.unit) { [self] in load() }
        fake.units.onJob(.stop, HAProxyStep.unit) { [self] in
            state.withLock { $0.isRunning = false }
        }
        fake.units.on("certbot") { [self] command in certbot(command) }
        fake.network.onExchange(
            .unix(path: layout.runtimeSocket), changes: { !$0.hasPrefix("show ") }
        ) { [self] command in try answer(command) }
        surround()
        fake.network.onExchange(
            .unix(path: layout.masterSocket), changes: { !$0.hasPrefix("show ") }
        ) { [self] _ in
            try requireRunning()
            return processes
        }
        fake.network.on("GET", .tcp(host: "127.0.0.1", port: 80), "/") { [self] _ in
            try requireRunning()
            return HTTPResponse(status: 301)
        }
    }

    static let address: [UInt8] = [192, 0, 2, 1]

    /// The CA answers with the right time, the name leads here, and nothing forbids the CA.
    private func surround() {
        fake.network.on("GET", .tls(host: "acme.example.test", port: 443), "/dir") {
            [self] _ in
            HTTPResponse(
                status: 200,
                headers: [
                    "date": HTTPDate.text(state.withLock { $0.caDate } ?? fake.clock.now())
                ],
                body: Array(
                    #"{"newOrder": "https://x", "meta": {"caaIdentities": ["ca.test"]}}"#
                        .utf8))
        }
        let metadata = Endpoint.tcp(host: "169.254.169.254", port: 80)
        fake.network.on("GET", metadata, "/latest/meta-data/") { _ in HTTPResponse(status: 404) }
        fake.network.on("PUT", metadata, "/latest/api/token") { _ in
            HTTPResponse(status: 200, body: Array("token".utf8))
        }
        fake.network.on("GET", metadata, "/latest/meta-data/public-ipv4") { _ in
            HTTPResponse(status: 200, body: Array("192.0.2.1".utf8))
        }
        let name = "chat.example.test"
        fake.network.records(.a, of: name, are: [Self.address])
        fake.network.records(.aaaa, of: name, are: [])
        for above in [name, "example.test", "test"] {
            fake.network.records(.caa, of: above, are: [])
        }
    }

    /// HAProxy was started before, with whatever is on disk.
    func start() {
        fake.units.install(HAProxyStep.unit)
        load()
    }

    func refuse(_ finished: Finished?) { state.withLock { $0.refusal = finished } }
    func refuseConfig(_ line: String?) { state.withLock { $0.refusesConfig = line } }
    func stick() { state.withLock { $0.isStuck = true } }
    func setCADate(_ date: Date?) { state.withLock { $0.caDate = date } }
    func keepOldWorkers(_ count: Int) { state.withLock { $0.oldWorkers = count } }
    func refuseStart(with serial: String) { state.withLock { $0.refusedSerial = serial } }

    /// Certificates that certbot got so far.
    var issued: Int { state.withLock { $0.issued.values.reduce(0, +) } }
    var pid: Int { state.withLock { $0.pid } }

    /// Serial number of what a client is shown; nil if TLS is refused.
    var served: String? { served(.ecdsa) }

    /// What a client is shown that knows only that type.
    func served(_ type: KeyType) -> String? { try? facts(type).serial }

    func certificateStep(
        _ type: KeyType = .ecdsa, of types: [KeyType] = [.ecdsa]
    ) -> CertificateStep {
        CertificateStep(
            id: StepID(unchecked: type == .ecdsa ? "certificate" : "certificate-\(type)"),
            spec: CertificateSpec(
                domain: DomainName(unchecked: "chat.example.test"), email: "ops@example.test",
                directory: "https://acme.example.test/dir",
                trustPEM: EdgeFixtures.root + EdgeFixtures.rsaRoot,
                keyType: type, keyTypes: types),
            state: "/var/lib/jeeves", look: { [self] _, _, type in try facts(type) })
    }

    private func facts(_ type: KeyType) throws -> CertificateFacts {
        let path = layout.bundle(of: type)
        return try state.withLock { state in
            guard state.isRunning, state.used.contains(path), let pem = state.memory[path]
            else { throw Failure(.unavailable, "TLS failed: unrecognized name") }
            return try CertificateFacts(pem: state.isStuck ? EdgeFixtures.first.chain : pem)
        }
    }

    private func requireRunning() throws {
        guard state.withLock({ $0.isRunning }) else {
            throw Failure(.unavailable, "connecting: Connection refused")
        }
    }

    private func judgeConfig() -> Finished {
        let (line, serial) = state.withLock { ($0.refusesConfig, $0.refusedSerial) }
        let bundle = fake.files[layout.bundle].flatMap { try? CertificateFacts(pem: $0) }
        let broken = "unable to load certificate from file '\(layout.bundle)'."
        let complaint = line ?? (serial != nil && bundle?.serial == serial ? broken : nil)
        guard let line = complaint else {
            return Finished(ending: .exited(0), output: "Configuration file is valid\n")
        }
        return Finished(
            ending: .exited(1),
            errors: """
                [NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u4
                [ALERT]    (1) : config : \(line)
                [ALERT]    (1) : config : Fatal errors found in configuration.
                """)
    }

    /// Three reloads, the last 10 s ago (HAProxy 2.6.12).
    private var processes: String {
        let old = (0..<state.withLock { $0.oldWorkers }).map { number in
            "3\(number) worker \(number + 1) 0d00h0\(number + 1)m10s 2.6.12-1+deb12u4"
        }
        return """
            #<PID>          <type>          <reloads>       <uptime>        <version>
            29              master          3 [failed: 0]   0d00h58m00s     2.6.12-1+deb12u4
            # workers
            \(pid)         worker          0               0d00h00m10s     2.6.12-1+deb12u4
            # old workers
            \(old.joined(separator: "\n"))
            # programs

            """
    }

    private func load() {
        let config = fake.files[layout.configFile] ?? ""
        let description = config.split(separator: "\n").first { $0.contains("description ") }
        let listed = (fake.files[layout.certificateList] ?? "").split(separator: "\n")
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        let memory = listed.map { ($0, fake.files[$0] ?? "") }
        state.withLock { state in
            state.isRunning = true
            state.pid += 1
            state.description = String(description?.split(separator: " ").last ?? "")
            state.memory = Dictionary(memory) { $1 }
            state.used = Set(listed)
            state.transaction = [:]
        }
    }

    private func certbot(_ command: Command) -> Finished {
        let isRehearsal = command.arguments.contains("--dry-run")
        let type: KeyType = command.arguments.contains("rsa") ? .rsa : .ecdsa
        let (refusal, next) = state.withLock { state in
            let number = state.issued[type, default: 0]
            let all =
                type == .rsa ? [EdgeFixtures.rsa, EdgeFixtures.nextRSA] : state.generations
            let generation = all[min(number, all.count - 1)]
            if state.refusal == nil, !isRehearsal { state.issued[type] = number + 1 }
            return (state.refusal, (generation, number + 1))
        }
        if let refusal { return refusal }
        if isRehearsal {
            return Finished(ending: .exited(0), output: "The dry run was successful.\n")
        }
        let (generation, number) = next
        let certbot = Certbot(layout: layout)
        let domain = DomainName(unchecked: "chat.example.test")
        let lineage = certbot.lineage(of: domain, type)
        for (part, text) in [
            (Certbot.Part.key, generation.key), (Certbot.Part.chain, generation.chain),
        ] {
            let path = certbot.archived(part, of: domain, type, generation: number)
            fake.files.put(Array(text.utf8), at: path, mode: 0o600)
            fake.files.link(
                certbot.live(part, of: domain, type),
                to: "../../archive/\(lineage)/\(part.rawValue)\(number).pem"
            )
        }
        fake.files[certbot.renewalFile(of: domain, type)] =
            "[renewalparams]\nserver = https://acme.example.test/dir\n"
        return Finished(ending: .exited(0), output: "Successfully received certificate.\n")
    }
}

extension FakeEdge {
    /// The runtime API's answers, word for word (HAProxy 2.6.12).
    private func answer(_ command: String) throws -> String {
        try requireRunning()
        let words = command.prefix { !$0.isNewline }.split(separator: " ").map(String.init)
        let payload = command.drop { !$0.isNewline }.dropFirst()
        return try state.withLock { state in
            switch words.prefix(3).joined(separator: " ") {
            case "show info":
                return """
                    Name: HAProxy
                    Version: 2.6.12-1+deb12u4
                    Pid: \(state.pid)
                    description: \(state.description)

                    """
            case "show ssl cert": return try Self.show(words[3], state)
            case "new ssl cert":
                if state.memory[words[3]] != nil {
                    return "Certificate '\(words[3])' already exists!\n"
                }
                state.memory[words[3]] = ""
                return "New empty certificate store '\(words[3])'!\n"
            case "abort ssl cert":
                state.transaction = [:]
                return "No ongoing transaction!\n"
            case "set ssl cert":
                state.transaction[words[3]] = String(payload)
                return "Transaction created for certificate \(words[3])!\n"
            case "commit ssl cert":
                guard let pem = state.transaction.removeValue(forKey: words[3]) else {
                    return "No ongoing transaction! !\n"
                }
                state.memory[words[3]] = pem
                return "Committing \(words[3])\nSuccess!\n"
            case "add ssl crt-list":
                let path = String(payload.prefix { $0 != " " })
                state.used.insert(path)
                return "Inserting certificate '\(path)' in crt-list '\(words[3])'.\nSuccess!\n"
            case "del ssl crt-list":
                state.used.remove(words[4])
                return "Entry '\(words[4])' deleted in crtlist '\(words[3])'!\n"
            case "del ssl cert":
                state.memory[words[3]] = nil
                return "Certificate '\(words[3])' deleted!\n"
            default: return "Unknown command\n"
            }
        }
    }

    private static func show(_ path: String, _ state: State) throws -> String {
        guard let pem = state.memory[path] else {
            return "Can't display the certificate: Not found or the certificate is a bundle!\n"
        }
        guard !pem.isEmpty else { return "Filename: \(path)\nStatus: Empty\n" }
        let facts = try CertificateFacts(pem: pem)
        return """
            Filename: \(path)
            Status: \(state.used.contains(path) ? "Used" : "Unused")
            Serial: \(facts.serialHex.uppercased())
            Subject Alternative Name: DNS:chat.example.test

            """
    }
}

/// What the reconciler does with one step: checks, applies if it must, checks again.
func converge(_ step: some Step, _ world: World) async throws {
    if try await step.check(world) == .right { return }
    try await step.apply(world)
    let condition = try await step.check(world)
    guard condition == .right else { throw Failure(.failed, "it still differs: \(condition)") }
}
