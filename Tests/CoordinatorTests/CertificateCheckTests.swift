import FoundationEssentials
import Model
import Outside
import Support
import Testing
import Tools
import Trust

@testable import Coordinator

/// Against `openssl s_server`, with certificates of a CA that `openssl` made.
@Suite(.timeLimit(.minutes(2))) struct CertificateCheckTests {
    private let domain = DomainName(unchecked: "chat.example.org")
    private let workshop: Workshop

    init() async throws {
        workshop = try Workshop()
        try await workshop.openssl(
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-days", "30", "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem")
        try await issue("leaf")
    }

    private func issue(
        _ file: String, _ type: KeyType = .ecdsa, for name: String = "chat.example.org"
    ) async throws {
        let key =
            type == .rsa ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        try await workshop.openssl(
            ["req", "-x509", "-nodes", "-days", "20", "-newkey"] + key + [
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)",
                "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "root.pem",
                "-CAkey", "root.key", "-keyout", "\(file).key", "-out", "\(file).pem",
            ])
    }

    private func facts(_ file: String) throws -> PublicCertificate {
        try CertificateFacts(pem: workshop.read("\(file).pem")).summary
    }

    /// What a node says that holds `file` on disk and in HAProxy.
    private func held(
        _ file: String = "leaf", memory: HeldCertificate.Memory? = nil
    ) throws -> HeldCertificate {
        let disk = try facts(file)
        return HeldCertificate(
            keyType: disk.keyType ?? .ecdsa, disk: disk,
            memory: memory ?? .serial(HAProxyRuntime.serial(disk.serial), isUsed: true))
    }

    private func serving(
        _ arguments: String...,
        body: @Sendable @escaping (UInt16) async throws -> Void
    ) async throws {
        let all = arguments.isEmpty ? ["-cert", "leaf.pem", "-key", "leaf.key"] : arguments
        try await workshop.serving(all + ["-www"], body: body)
    }

    private func compare(
        _ port: UInt16, _ held: [HeldCertificate]? = nil, failure: Failure? = nil,
        types: [KeyType] = [.ecdsa], after: Duration = .zero, roots: String? = nil,
        address: String = "127.0.0.1"
    ) async throws -> [CertificateComparison] {
        let roots = try roots ?? workshop.read("root.pem")
        let check = CertificateCheck(domain: domain, keyTypes: types) { [domain] address, type in
            try await Probe.connect(
                host: address, port: port, name: domain, keyType: type, rootsPEM: roots,
                judgedAt: World.live().clock.now().addingTimeInterval(after.seconds))
        }
        let node = ClusterStatus.Node(
            name: NodeName(unchecked: "controller-1"), role: .controller, instanceID: "i-1",
            address: "10.0.0.1", publicAddress: address, connected: true, revoked: false,
            status: nil, age: "-")
        let answer: Result<String, any Error>
        if let failure {
            answer = .failure(failure)
        } else {
            let text = String(decoding: try JSON.encode(held ?? [self.held()]), as: UTF8.self)
            answer = .success(text)
        }
        return await check.compare(node, answer: answer)
    }

    @Test("the same certificate in all three places, good for the name, is right")
    func right() async throws {
        try await serving { port in
            let found = try await compare(port)
            let disk = try facts("leaf")
            #expect(found.map(\.isRight) == [true])
            #expect(found.first?.trouble == nil)
            #expect(found.first?.wire.certificate == disk)
            #expect(found.first?.disk.certificate == disk)
            #expect(found.first?.address == "127.0.0.1")
        }
    }

    @Test("a client that is shown another certificate than the node holds is told of")
    func otherWire() async throws {
        try await issue("other")
        try await serving { port in
            let found = try await compare(port, [try held("other")])
            let trouble = try #require(found.first?.trouble)
            #expect(trouble.code == .gate)
            #expect(trouble.message.hasSuffix("clients are shown another one than the node holds"))
            #expect(trouble.fix.contains("who answers at 127.0.0.1"))
            #expect(found.first?.isRight == false)
        }
    }

    @Test("what HAProxy has in memory must be what lies on disk, and in use")
    func memory() async throws {
        try await serving { port in
            let serial = HAProxyRuntime.serial(try facts("leaf").serial)
            let away = Failure(.unavailable, "connecting to HAProxy: Connection refused")
            let cases: [(HeldCertificate.Memory, String)] = [
                (.serial("1234", isUsed: true), "HAProxy has another one in memory than"),
                (.serial(serial, isUsed: false), "HAProxy: it is in memory, but not in its list"),
                (.nothing, "HAProxy: it has none in memory"),
                (.unknown(away), "HAProxy: connecting to HAProxy: Connection refused"),
            ]
            for (memory, words) in cases {
                let found = try await compare(port, [try held(memory: memory)])
                let trouble = try #require(found.first?.trouble)
                #expect(trouble.message.contains(words), "\(trouble)")
                #expect(!trouble.fix.isEmpty)
            }
        }
    }

    @Test("a certificate for another name, of a strange CA or past its end is not right")
    func judged() async throws {
        try await issue("elsewhere", for: "other.example.org")
        try await serving("-cert", "elsewhere.pem", "-key", "elsewhere.key") { port in
            let found = try await compare(port, [try held("elsewhere")])
            let message = try #require(found.first?.trouble?.message)
            #expect(
                message.hasSuffix("wire: it is for other.example.org, not for chat.example.org"))
        }
        try await workshop.openssl(
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-subj", "/CN=stranger", "-keyout", "stranger.key", "-out", "stranger.pem")
        let stranger = try workshop.read("stranger.pem")
        try await serving { port in
            let strange = try await compare(port, roots: stranger)
            #expect(strange.first?.trouble?.message.contains("wire: it is not trusted") == true)
            let late = try await compare(port, after: .seconds(21 * 86_400))
            let message = try #require(late.first?.trouble?.message)
            #expect(message.hasSuffix("wire: it is not trusted: certificate has expired"))
            #expect(late.first?.trouble?.fix.contains("jeeves cert renew controller-1") == true)
        }
    }

    @Test("each type of key is looked at by a client that knows no other")
    func types() async throws {
        try await issue("rsa", .rsa)
        let both = [try held(), try held("rsa")]
        try await serving(
            "-cert", "leaf.pem", "-key", "leaf.key", "-dcert", "rsa.pem", "-dkey", "rsa.key"
        ) { port in
            let found = try await compare(port, both, types: [.rsa, .ecdsa])
            #expect(found.map(\.keyType) == [.ecdsa, .rsa])
            #expect(found.map(\.isRight) == [true, true])
            #expect(found.compactMap(\.wire.certificate?.keyType) == [.ecdsa, .rsa])
        }
        try await serving { port in
            let found = try await compare(port, both, types: [.ecdsa, .rsa])
            #expect(found.map(\.isRight) == [true, false])
            #expect(found.last?.trouble?.message.contains("wire: playing a client") == true)
            let wanted = try await compare(port, types: [.ecdsa, .rsa])
            #expect(wanted.last?.trouble?.message.contains("no certificate with an rsa") == true)
            #expect(wanted.last?.trouble?.fix == "run `jeeves up`")
        }
    }

    @Test("a silent agent is told of, and clients are played all the same")
    func silentAgent() async throws {
        let away = Failure(.timeout, "waiting for controller-1 to connect: no", fix: "look there")
        try await serving { port in
            let found = try await compare(port, failure: away)
            let serial = try facts("leaf").serial
            #expect(found.first?.wire.serial == serial)
            #expect(found.first?.disk.trouble == away.message)
            #expect(found.first?.isRight == false)
            #expect(found.first?.trouble?.fix == "look there")
        }
    }

    @Test("an address where nobody answers is told of, beside what the node holds")
    func deadAddress() async throws {
        let found = try await compare(1)
        #expect(found.first?.disk.trouble == nil)
        #expect(found.first?.trouble?.message.contains("wire: playing a client") == true)
        #expect(found.first?.trouble?.fix.contains("port 443") == true)
        let homeless = try await compare(1, address: "")
        #expect(homeless.first?.trouble?.message.hasSuffix("public address: there is none") == true)
        #expect(homeless.first?.trouble?.fix == Failure.Fix.publicAddress)
    }
}
