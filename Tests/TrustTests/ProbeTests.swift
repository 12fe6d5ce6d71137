import Foundation
import Model
import Outside
import Support
import Testing

@testable import Trust

struct ProbeTests {
    private static let domain = DomainName(unchecked: "chat.example.org")

    let root: Forge
    let leaf: Forge
    let workshop: Workshop

    init() throws {
        root = try Forge(root: "root of the probe")
        leaf = try root.sign(
            Forge.Wish(names: [.dnsName("chat.example.org")], usages: [.serverAuth]))
        workshop = try Workshop()
        try workshop.write("leaf.pem", leaf.pem)
        try workshop.write("leaf.key", leaf.keyPEM.reveal())
        try workshop.write("root.pem", root.pem)
        let other = try root.sign(Forge.Wish(names: [.dnsName("other.example.org")]))
        try workshop.write("other.pem", other.pem)
        try workshop.write("other.key", other.keyPEM.reveal())
    }

    @Test("the certificate that is served for the name is seen, with its chain and its trust")
    func served() async throws {
        try await workshop.serving(
            "-cert", "other.pem", "-key", "other.key", "-servername", "chat.example.org", "-cert2",
            "leaf.pem", "-key2", "leaf.key", "-CAfile", "root.pem", "-www"
        ) { port in
            let seen = try await look(port, roots: root.pem)
            #expect(seen.facts == (try CertificateFacts(der: leaf.der)))
            #expect(seen.chain.first == (try leaf.der))
            #expect(seen.distrust == nil)
            // Without a time nothing is judged; a stranger's roots do not trust it.
            #expect(try await look(port, roots: "", at: nil).distrust == nil)
            let stranger = try Forge(root: "stranger").pem
            #expect(try await look(port, roots: stranger).distrust != nil)
            let later = Forge.start.addingTimeInterval(90000)
            #expect(
                try await look(port, roots: root.pem, at: later).distrust
                    == "certificate has expired")
            let other = try await Probe.connect(
                host: "127.0.0.1", port: port, name: DomainName("other.example.org"))
            #expect(other.facts.names == ["other.example.org"])
        }
    }

    @Test("a client that knows one kind of key only sees that kind, or none")
    func kinds() async throws {
        try await workshop.openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa", "-keyout",
            "rsa.key", "-out", "rsa.pem")
        try await workshop.serving(
            "-cert", "leaf.pem", "-key", "leaf.key", "-dcert", "rsa.pem", "-dkey", "rsa.key",
            "-www"
        ) { port in
            for type in KeyType.allCases {
                let seen = try await Self.kind(port, type)
                #expect(seen == type)
            }
        }
        try await workshop.serving("-cert", "leaf.pem", "-key", "leaf.key", "-www") { port in
            let seen = try await Self.kind(port, .ecdsa)
            #expect(seen == .ecdsa)
            let failure = await #expect(throws: Failure.self) {
                try await Self.kind(port, .rsa)
            }
            #expect(failure?.code == .unavailable)
        }
    }

    /// What a client of that type is shown.
    private static func kind(_ port: UInt16, _ type: KeyType) async throws -> KeyType? {
        try await Probe.connect(
            host: "127.0.0.1", port: port, name: domain, keyType: type
        ).facts.keyType
    }

    @Test("what the server answers is kept")
    func answer() async throws {
        try await workshop.serving("-cert", "leaf.pem", "-key", "leaf.key", "-www") { port in
            let seen = try await Probe.connect(
                host: "127.0.0.1", port: port, name: Self.domain,
                exchanges: [.init(Array("GET / HTTP/1.0\r\n\r\n".utf8))])
            let text = String(decoding: seen.answer, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.0 200 ok\r\n"))
            #expect(seen.answer.count <= Probe.answerBytesMax)
        }
    }

    @Test("a conversation goes on while each answer is whole, and stops at the first that is not")
    func conversation() async throws {
        // Without -www the server of OpenSSL sends back each line reversed.
        try await workshop.serving("-cert", "leaf.pem", "-key", "leaf.key", "-rev") { port in
            func ask(_ text: String, until end: String) -> Probe.Exchange {
                .init(Array(text.utf8)) { Array($0.suffix(end.utf8.count)) == Array(end.utf8) }
            }
            let seen = try await Probe.connect(
                host: "127.0.0.1", port: port, name: Self.domain, deadline: .seconds(1),
                exchanges: [
                    ask("abc\n", until: "cba\n"), ask("de\n", until: "never"),
                    ask("f\n", until: "f\n"),
                ])
            #expect(
                seen.answers.map { String(decoding: $0, as: UTF8.self) } == ["cba\n", "ed\n"])
        }
    }

    @Test("a silent server is given up at the deadline")
    func silent() async throws {
        let listener = try LoopbackListener()
        let failure = try await failure {
            _ = try await Probe.connect(
                host: "127.0.0.1", port: listener.port, name: Self.domain,
                deadline: .milliseconds(200))
        }
        #expect(failure.code == .timeout)
        #expect(failure.message.hasSuffix("no answer within 0.2 seconds"))
    }

    @Test("a server that hangs up is unavailable, one that does not speak TLS too")
    func notTLS() async throws {
        for (greeting, reason) in [
            ("", "unexpected eof while reading"), ("220 hello\r\n", "wrong version number"),
        ] {
            let listener = try LoopbackListener()
            async let served: Void = listener.serveOne(greeting)
            let failure = try await failure {
                _ = try await Probe.connect(
                    host: "127.0.0.1", port: listener.port, name: Self.domain)
            }
            await served
            #expect(failure.code == .unavailable)
            #expect(failure.message.hasSuffix("no TLS: \(reason)"))
        }
    }

    @Test("a port where nobody listens is unavailable")
    func refused() async throws {
        let port = try LoopbackListener().port
        let failure = try await failure {
            _ = try await Probe.connect(host: "127.0.0.1", port: port, name: Self.domain)
        }
        #expect(failure.code == .unavailable)
        #expect(failure.message.hasSuffix("Connection refused"))
    }

    @Test("a server that refuses the name is unavailable, with OpenSSL's reason")
    func noSharedProtocol() async throws {
        try await workshop.serving(
            "-cert", "leaf.pem", "-key", "leaf.key", "-servername", "other.example.org",
            "-servername_fatal", "-cert2", "leaf.pem", "-key2", "leaf.key", "-www"
        ) { port in
            let failure = try await failure { _ = try await look(port, roots: "") }
            #expect(failure.code == .unavailable)
            #expect(failure.message.contains("unrecognized name"))
        }
    }

    @Test("a host name is refused: the caller says which address it means")
    func hostName() async throws {
        let failure = try await failure {
            _ = try await Probe.connect(host: "localhost", port: 1, name: Self.domain)
        }
        #expect(failure.code == .invalid)
    }

    private func look(
        _ port: UInt16, roots: String, at date: Date? = Forge.start
    ) async throws -> Probe.Served {
        try await Probe.connect(
            host: "127.0.0.1", port: port, name: Self.domain, rootsPEM: roots, judgedAt: date)
    }
}

/// A port that takes connections, and says nothing unless it is told to.
private final class LoopbackListener: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (own, length) = (descriptor, size)
        let isBound = withUnsafeMutableBytes(of: &address) { raw in
            guard let start = raw.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
                return false
            }
            return bind(own, start, length) == 0 && listen(own, 8) == 0
                && getsockname(own, start, &size) == 0
        }
        guard isBound else { throw Failure(.failed, "listening on loopback: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Takes one connection, reads what comes first, answers `text` and hangs up.
    func serveOne(_ text: String) async {
        await withCheckedContinuation { continuation in
            BlockingThread.run { [descriptor] in
                let peer = accept(descriptor, nil, nil)
                var hello = [UInt8](repeating: 0, count: 4096)
                _ = recv(peer, &hello, hello.count, 0)
                _ = send(peer, text, text.utf8.count, Int32(MSG_NOSIGNAL))
                close(peer)
                continuation.resume()
            }
        }
    }

    deinit { close(descriptor) }
}
